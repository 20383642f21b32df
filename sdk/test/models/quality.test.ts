import { describe, expect, it } from "vitest";
import { measureQuality } from "../../src/models/quality.js";
import type { Scorer } from "../../src/models/scorer.js";
import { historyOfItems } from "./vectors.js";

const scorer = (...scores: number[]): Scorer => ({
  weights: new Float32Array(),
  size: 0,
  features: () => new Float64Array(),
  scores: () => Float32Array.from(scores),
});

const measured = (scores: number[], items: number[], heldOut?: number, k = 3, repeats = false) =>
  Array.from(
    measureQuality(scorer(...scores), k, repeats).contribution({
      history: historyOfItems(...items),
      ...(heldOut !== undefined && { heldOut }),
    }),
  );

describe("quality", () => {
  it("is best where the held-out item comes first", () => {
    expect(measured([1, 9, 3, 4], [0], 1)).toEqual([1, 1, 1, 1]);
  });

  it("falls with the rank, and counts ties against the model", () => {
    expect(measured([1, 4, 4, 5], [0], 1)).toEqual([1 / 2, 1, 1 / 3, 1]);
    expect(measured([1, 4, 4, 5], [0], 1, 2)).toEqual([0, 0, 0, 1]);
  });

  it("passes over the history unless repeats count", () => {
    expect(measured([9, 4, 1, 1], [0], 1)[2]).toBe(1);
    expect(measured([9, 4, 1, 1], [0], 1, 3, true)[2]).toBe(1 / 2);
    expect(measured([9, 4, 1, 1], [0], 0)).toEqual([0, 0, 0, 0]);
    expect(measured([9, 4, 1, 1], [0], 0, 3, true)[2]).toBe(1);
  });

  it("does not judge whom it cannot", () => {
    expect(measured([1, 2], [], 1)).toEqual([0, 0, 0, 0]);
    expect(measured([1, 2], [0])).toEqual([0, 0, 0, 0]);
  });

  it("puts what is no number last", () => {
    expect(measured([NaN, 0, Infinity, 3], [3], 1)[2]).toBe(1);
    expect(measured([NaN, 0, 1, 3], [3], 0)[2]).toBe(1 / 3);
  });
});
