import { describe, expect, it } from "vitest";
import { unhex, utf8 } from "../../src/bytes.js";
import { readAsk } from "../../src/federation/ask.js";
import { clip } from "../../src/federation/clipping.js";
import { clientWords, hiddenWords, stepOf } from "../../src/federation/contribute.js";
import { foldOf } from "../../src/models/history.js";
import { streamOf } from "../../src/noise/stream.js";
import { asks, expectClose, histories, models } from "../models/vectors.js";

const modelOf = new Map<string, (typeof models)[number]["model"]>();
for (const { file, model } of models) {
  const bytes = new Uint8Array(Buffer.from(file, "base64"));
  modelOf.set(Buffer.from(await crypto.subtle.digest("SHA-256", bytes)).toString("hex"), model);
}

const told = asks.map(({ ask, answers }) => {
  const read = readAsk(utf8(ask)).ask;
  const step = stepOf(read, modelOf.get(read.setting.model)!);
  return { ask: read, step, answers, title: read.setting.noise.name };
});

const failed = (why: unknown): never => {
  throw why;
};

/** Return words as whole numbers, two halves of one put together. */
const whole = (words: Uint16Array | Uint32Array, size: number): string[] =>
  words.length === size
    ? Array.from(words, String)
    : Array.from(new BigUint64Array(words.buffer), String);

describe.each(told)("the contribution to $title", ({ ask, step, answers }) => {
  const { setting, held_out } = ask;

  it.each(answers.map((answer, who) => ({ ...answer, who })))(
    "of history $who",
    async ({ noise, rounding, term, words, who }) => {
      const random = (purpose: "noise" | "rounding") =>
        streamOf(unhex(purpose === "noise" ? noise : rounding));
      const fold = foldOf(histories[who]!, held_out);
      const found = clip(step, step.contribution(fold), setting.noise.bound, setting.policy.unit);
      // Clipping may scale by the length of a term, of which 32 bits give seven digits.
      expectClose(found, term, ask.recipe === "als" ? 1e-5 : 2e-6);

      const same = whole(await hiddenWords(Float64Array.from(term), setting, random), step.size);
      expect(same).toEqual(words);

      // What 32 bits leave open is less than a step where there is noise of a usual size.
      const own = whole(await clientWords(step, async () => fold, setting, random, failed), step.size);
      const open = 1e-5 * setting.quantizer.scale * setting.noise.bound;
      own.forEach((word, at) => {
        const apart = Number(BigInt.asIntN(64, BigInt(word) - BigInt(words[at]!)));
        expect(Math.abs(apart)).toBeLessThanOrEqual(open < 0.02 ? 0 : Math.ceil(open));
      });
    },
  );
});

describe("a step", () => {
  const { ask } = told[0]!;
  const model = modelOf.get(ask.setting.model)!;
  const quantizer = { ...ask.setting.quantizer, size: ask.setting.quantizer.size + 1 };

  it.each([
    ["of another size", "bad-model", { ...ask, setting: { ...ask.setting, quantizer } }, model],
    ["of another recipe", "other-model", { ...ask, recipe: "als" }, model],
    ["after the last", "bad-model", ask, { ...model, round: 1 }],
  ])("%s is refused", (_, code, other, of) => {
    expect(() => stepOf(other, of)).toThrow(expect.objectContaining({ code }));
  });
});
