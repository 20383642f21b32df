/** The steps of training by recipe and round. */
import { foldInOf } from "./als.js";
import { dot } from "./memories.js";
import { option, type Model } from "./model.js";
import { findVectors, fitOwnHistory, readOut, readOutUnit } from "./sequence-steps.js";
import { addOuter, addTo, step, type Step } from "./step.js";

/** Return the next step of training, or none when training is done. */
export function nextStep(model: Model): Step | undefined {
  return STEPS[model.recipe]!(model, model.round);
}

const STEPS: Record<string, (model: Model, round: number) => Step | undefined> = {
  popularity(model, round) {
    const m = model.items.length;
    if (round) return;
    return step(m + 1, (out, { items }) => {
      for (const item of items) out[item] = 1;
      out[m] = 1;
    });
  },
  als: (model, round) => (round < option(model, "rounds") ? improveVectors(model) : undefined),
  sequence(model, round) {
    const m = model.items.length;
    const after = round - option(model, "vector_rounds");
    if (!round)
      return step(m + 1, (out, { items }) => {
        for (const item of items) out[item]!++;
        out[m] = 1;
      });
    if (after <= 0) return findVectors(model);
    if (after === 1) return readOut(model);
    return after === 2 && option(model, "repeat_gain") > 0 ? fitOwnHistory(model) : undefined;
  },
  private_sequence(model, round) {
    if (!round)
      return step(
        model.items.length,
        (out, { items }) => {
          const met = new Set(items);
          for (const item of met) out[item] = 1 / Math.sqrt(met.size);
        },
        true,
      );
    return round < 3 ? readOutUnit(model, `vectors${round}`) : undefined;
  },
};

/** ALS: the sums x x', (1 - x'v) x and 1 over a user's items, and 1. */
function improveVectors(model: Model): Step {
  const { vectors, solve } = foldInOf(model);
  const { data, size: d } = vectors;
  const m = model.items.length;
  const residual = (d * (d + 1)) / 2;
  const counts = residual + m * d;
  return step(counts + m + 1, (out, history) => {
    const { items, weights } = history;
    const x = solve(history);
    addOuter(out, x);
    items.forEach((item, t) => {
      const left = (weights ? weights[t]! : 1) * (1 - dot(data, item * d, x, 0, d));
      addTo(out, residual + item * d, x, left);
      out[counts + item]!++;
    });
    out[counts + m] = 1;
  });
}
