import { describe, expect, it } from "vitest";
import { recommend, top, varied } from "../../src/models/ranking.js";
import { scorerOf } from "../../src/models/scorer.js";
import { random } from "./random.js";
import { historyOfItems, lastOf } from "./vectors.js";

const numbers = (ranked: readonly { item: number }[]) => ranked.map(({ item }) => item);
const all = () => true;

describe("top", () => {
  it("is the head of the sorted scores, the lower number first among equals", () => {
    const draw = random(1);
    for (let round = 0; round < 50; round++) {
      const scores = Float32Array.from({ length: 200 }, () => Math.floor(20 * draw()));
      const k = 1 + Math.floor(30 * draw());
      const sorted = [...scores.keys()].sort((a, b) => scores[b]! - scores[a]! || a - b);
      expect(numbers(top(scores, k, all))).toEqual(sorted.slice(0, k));
    }
  });

  it("leaves out what is not wanted, and what has no score", () => {
    const scores = Float32Array.of(5, NaN, 4, -Infinity, 3, 6);
    expect(numbers(top(scores, 10, (item) => item !== 5))).toEqual([0, 2, 4]);
  });
});

describe("varied", () => {
  const vectors = { data: Float32Array.of(1, 0, 2, 0, 0, 1, 3, 0.1), stride: 2, size: 2 };
  const candidates = [
    { item: 0, score: 9 },
    { item: 1, score: 8 },
    { item: 3, score: 7.5 },
    { item: 2, score: 5 },
  ];

  it("keeps the order where variety weighs nothing", () => {
    expect(varied(candidates, 3, 0, vectors)).toEqual(candidates.slice(0, 3));
  });

  it("prefers what is unlike the first, even where it scores least", () => {
    expect(numbers(varied(candidates, 2, 0.6, vectors))).toEqual([0, 2]);
  });

  it("takes all there are, once each", () => {
    expect(numbers(varied(candidates, 9, 1, vectors)).sort()).toEqual([0, 1, 2, 3]);
    expect(varied([], 3, 0.5, vectors)).toEqual([]);
  });
});

describe("recommend", () => {
  const history = historyOfItems(3, 1, 8);

  it.each(["sequence", "private_sequence", "als"])(
    "makes lists of %s less alike by as much as is wished",
    (recipe) => {
      const scorer = scorerOf(lastOf(recipe));
      const { data, stride, size } = scorer.vectors!;
      const cosine = (a: number, b: number) => {
        const [one, other] = [a, b].map((i) => data.subarray(i * stride, i * stride + size));
        const inner = (x: Float32Array, y: Float32Array) =>
          x.reduce((sum, value, k) => sum + value * y[k]!, 0);
        return inner(one!, other!) / Math.sqrt(inner(one!, one!) * inner(other!, other!));
      };
      const likeness = (diversify: number) => {
        const [first, second] = numbers(recommend(scorer, history, { k: 2, diversify }));
        return cosine(first!, second!);
      };
      expect(likeness(1)).toBeLessThanOrEqual(likeness(0));
    },
  );

  it("never repeats the history unless it may", () => {
    const scorer = scorerOf(lastOf("popularity"));
    const found = numbers(recommend(scorer, history, { k: 12 }));
    expect(found).toHaveLength(9);
    expect(found.filter((item) => history.items.includes(item))).toEqual([]);
    expect(recommend(scorer, history, { k: 12, repeats: true })).toHaveLength(12);
  });

  it("only chooses among what the filter wants, also where lists are varied", () => {
    const wishes = { k: 3, filter: (item: number) => item > 6, diversify: 0.5 };
    const found = numbers(recommend(scorerOf(lastOf("als")), history, wishes));
    expect(found).toHaveLength(3);
    expect(found.every((item) => item > 6 && item !== 8)).toBe(true);
  });
});
