import { describe, expect, it } from "vitest";
import { explain } from "../../src/models/explain.js";
import { scorerOf } from "../../src/models/scorer.js";
import { histories, historyOfItems, lastOf, models } from "./vectors.js";

describe.each(models)("$title", ({ model }) => {
  const scorer = scorerOf(model);

  it.each(histories.map((history, who) => ({ history, who })))(
    "shares of history $who and what nobody's history has add up to each score",
    ({ history }) => {
      const scores = scorer.scores(history);
      const largest = scores.reduce((most, score) => Math.max(most, Math.abs(score)), 0);
      const fixed = scorer.bias ?? new Float32Array(scores.length);
      scores.forEach((score, item) => {
        const shares = explain(scorer, history, item);
        const sum = shares.reduce((total, { share }) => total + share, fixed[item]!);
        expect(Math.abs(sum - score)).toBeLessThanOrEqual(1e-6 * largest);
        expect(new Set(shares.map((one) => one.item))).toEqual(new Set(history.items));
      });
    },
  );

  it("puts what speaks for the item most first", () => {
    const shares = explain(scorer, histories[6]!, 0).map(({ share }) => share);
    expect(shares).toEqual([...shares].sort((a, b) => b - a));
  });
});

it("has nothing to say of an empty history", () => {
  expect(explain(scorerOf(lastOf("sequence")), historyOfItems(), 2)).toEqual([]);
});
