import { describe, expect, it } from "vitest";
import { norm } from "../../src/federation/clipping.js";
import { nextStep } from "../../src/models/steps.js";
import { expectClose, histories, models } from "./vectors.js";

describe.each(models)("the next step of $title", ({ recipe, model, terms, norms }) => {
  if (!terms) {
    it("is none", () => expect(nextStep(model)).toBeUndefined());
    return;
  }
  const step = nextStep(model)!;

  it.each(histories.map((history, who) => ({ history, who })))(
    "says of history $who what Python says",
    ({ history, who }) => {
      const term = step.contribution({ history });
      expect(term.length).toBe(step.size);
      // Python computes in 32 bits; als solves with them, which loses most.
      expectClose(term, terms[who]!, recipe === "als" ? 1e-5 : 2e-6);
      const length = norm(term);
      expect(step.unit && length ? 1 : length).toBeCloseTo(norms![who]!, 4);
    },
  );
});

// Whole numbers and roots of them are computed in 64 bits by Python, too.
it.each(models.filter(({ round, recipe }) => !round && /popularity|sequence/.test(recipe)))(
  "the first term of $title is the same to the bit",
  ({ model, terms }) => {
    const step = nextStep(model)!;
    histories.forEach((history, who) =>
      expect(Array.from(step.contribution({ history }))).toEqual(terms![who]),
    );
  },
);
