import { describe, expect, it } from "vitest";
import { readAsk } from "../../src/federation/ask.js";
import { termsOf } from "../../src/federation/terms.js";
import { hex, utf8 } from "../../src/bytes.js";
import { asks } from "../models/vectors.js";

const titled = asks.map((told) => ({ ...told, title: JSON.parse(told.ask).setting.noise.name }));

describe.each(titled)("what is asked for $title", ({ ask, attempt, terms }) => {
  it("is read as it was written", () => {
    const found = readAsk(utf8(ask));
    expect(found.ask).toEqual(JSON.parse(ask));
    expect(found.json).toBe(ask);
  });

  it("has the terms that Python gives", async () => {
    const { model, config, ...found } = await termsOf(readAsk(utf8(ask)), attempt);
    expect({ ...found, model: hex(model), config: hex(config) }).toEqual(terms);
  });

  it("has another hash where anything is another", async () => {
    const other = readAsk(utf8(ask.replace('"k":3', '"k":4')));
    const { config } = await termsOf(other, attempt);
    expect(hex(config)).not.toBe(terms.config);
  });
});

const sound = asks[0]!.ask;

describe("an ask that is not of the canonical form", () => {
  it.each([
    ["spaces", sound.replace(":", ": ")],
    ["a line after it", `${sound}\n`],
    ["a mark of byte order", `\ufeff${sound}`],
    ["another order", sound.replace(/^{("delta":[^,]*),("held_out":[^,]*)/, "{$2,$1")],
    ["a part too many", sound.replace('"k":3', '"k":3,"l":3')],
    ["a part twice", sound.replace('"k":3', '"k":3,"k":3')],
    ["a part missing", sound.replace('"k":3,', "")],
    ["a fraction for a count", sound.replace('"k":3', '"k":3.0')],
    ["an unknown purpose", sound.replace('"purpose":"step"', '"purpose":"look"')],
    ["a text for a number", sound.replace(/"bound":[^,]*/, '"bound":"1"')],
    ["no number at all", sound.replace(/"bound":[^,]*/, '"bound":1.2.3')],
    ["what JSON has not", sound.replace(/"multiplier":[^,]*/, '"multiplier":NaN')],
    ["a quote in a name", sound.replace('"name":"best', `"name":"be'st`)],
    ["a short hash", sound.replace(/"model":"../, '"model":"')],
    ["noise below zero", sound.replace(/"multiplier":/, '"multiplier":-')],
    ["noise without end", sound.replace(/"multiplier":[^,]*/, '"multiplier":1e999')],
    ["a bound of zero", sound.replace(/"bound":[^,]*/, '"bound":0.0')],
    ["steps too fine", sound.replace(/"scale":[^,]*/, '"scale":1e+300')],
    ["a lone client", sound.replace(/"minimum":\d+/, '"minimum":1')],
    ["nobody honest", sound.replace(/"dropouts":[^,]*/, '"dropouts":0.8')],
    ["a delta of one", sound.replace(/"delta":null/, '"delta":1.0')],
    ["a boundless epsilon", sound.replace(/"epsilon":[^,]*/, '"epsilon":1e+07')],
    ["a sum that nobody secures", sound.replace('"secure":"pairwise"', '"secure":"none"')],
    ["a list", `[${sound}]`],
    ["nothing", ""],
  ])("is refused: %s", (_, text) => {
    expect(text).not.toBe(sound);
    expect(() => readAsk(utf8(text))).toThrow("cannot be read");
  });

  it("is refused where it is no text", () => {
    expect(() => readAsk(new Uint8Array(utf8(sound)).fill(0xff, 40, 50))).toThrow("cannot be read");
  });
});

describe("terms", () => {
  it("are refused with too few clients", async () => {
    const few = sound.replace(/"clients":\d+/, '"clients":19');
    await expect(termsOf(readAsk(utf8(few)), 0)).rejects.toThrow("cannot keep");
  });
});
