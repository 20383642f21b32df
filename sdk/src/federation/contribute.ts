/** The one door: all that ever leaves a browser is what `clientWords` returns, secured. */
import { insist } from "../insist.js";
import type { Fold } from "../models/history.js";
import type { Model } from "../models/model.js";
import { measureQuality } from "../models/quality.js";
import { scorerOf } from "../models/scorer.js";
import type { Step } from "../models/step.js";
import { nextStep } from "../models/steps.js";
import { quantize } from "../noise/quantizer.js";
import { encodeRing, type Words } from "../noise/ring.js";
import { sampleSkellam } from "../noise/skellam.js";
import type { Stream } from "../noise/stream.js";
import type { Ask, Setting } from "./ask.js";
import { clip, measureNorms } from "./clipping.js";
import { planOf } from "./setting.js";

/**
 * Return the step that is asked for, from the public model that the setting names.
 *
 * @throws HedgerowError `other-model`: of another recipe. `bad-model`: it has no such step.
 */
export function stepOf(ask: Ask, model: Model): Step {
  const { purpose, setting } = ask;
  const next =
    purpose === "evaluation"
      ? measureQuality(scorerOf(model), ask.k, ask.repeats)
      : nextStep(model);
  const step = next && purpose === "norms" ? measureNorms(next) : next;
  insist(model.recipe === ask.recipe, "other-model");
  insist(step?.size === setting.quantizer.size, "bad-model");
  return step;
}

/** Streams of secret randomness for either use. */
export type Random = (purpose: "noise" | "rounding") => Stream;

/**
 * Return all that a client puts into a secured sum: its term, clipped, and its share of noise.
 *
 * Once a history is opened, a client that sends nothing tells something. So whatever goes wrong from
 * there on, the term is one of zeros, which nobody can tell from another.
 *
 * @param fold opens the history.
 * @param failed told what went wrong; it may end all by throwing.
 */
export async function clientWords(
  step: Step,
  fold: () => Promise<Fold>,
  setting: Setting,
  random: Random,
  failed: (problem: unknown) => void,
): Promise<Words> {
  try {
    const term = step.contribution(await fold());
    const clipped = clip(step, term, setting.noise.bound, setting.policy.unit);
    return await hiddenWords(clipped, setting, random);
  } catch (problem) {
    failed(problem);
    return hiddenWords(new Float64Array(setting.quantizer.size), setting, random);
  }
}

/** Return a clipped term rounded to integers, with noise, as words of the setting's ring. */
export async function hiddenWords(
  term: Float64Array,
  setting: Setting,
  random: Random,
): Promise<Words> {
  const { quantizer } = setting;
  const { variance, bits } = planOf(setting);
  // First what may be refused, so that a term of zeros takes no more time than another.
  const total = await quantize(term, quantizer, random("rounding"));
  const noise = await sampleSkellam(random("noise"), quantizer.size, variance);
  for (let at = 0; at < total.length; at++) total[at]! += noise[at]!;
  return encodeRing(total, bits);
}
