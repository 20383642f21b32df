/** The one door: all that ever leaves a browser is what `clientWords` returns, secured. */
import { HedgerowError } from "../errors.js";
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

/** Return the step that is asked for, from the public model that the setting names. */
export function stepOf(ask: Ask, model: Model): Step {
  const { purpose, setting } = ask;
  const next =
    purpose === "evaluation"
      ? measureQuality(scorerOf(model), ask.k, ask.repeats)
      : nextStep(model);
  const step = next && purpose === "norms" ? measureNorms(next) : next;
  if (model.recipe !== ask.recipe || step?.size !== setting.quantizer.size)
    throw new HedgerowError("bad-ask", "What the coordinator asks for does not fit its model.");
  return step;
}

/** Streams of secret randomness for either use. */
export type Random = (purpose: "noise" | "rounding") => Stream;

/** Return all that a client puts into a secured sum: its term, clipped, and its share of noise. */
export const clientWords = (
  step: Step,
  fold: Fold,
  setting: Setting,
  random: Random,
): Promise<Words> =>
  hiddenWords(
    clip(step, step.contribution(fold), setting.noise.bound, setting.policy.unit),
    setting,
    random,
  );

/** Return a clipped term rounded to integers, with noise, as words of the setting's ring. */
export async function hiddenWords(
  term: Float64Array,
  setting: Setting,
  random: Random,
): Promise<Words> {
  const { quantizer } = setting;
  const { variance, bits } = planOf(setting);
  const total = await sampleSkellam(random("noise"), quantizer.size, variance);
  const rounded = await quantize(term, quantizer, random("rounding"));
  for (let at = 0; at < total.length; at++) total[at]! += rounded[at]!;
  return encodeRing(total, bits);
}
