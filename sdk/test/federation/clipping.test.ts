import { describe, expect, it } from "vitest";
import { clip, measureNorms, norm } from "../../src/federation/clipping.js";
import type { Step } from "../../src/models/step.js";
import { random } from "../models/random.js";
import { historyOfItems } from "../models/vectors.js";

const fold = { history: historyOfItems(0) };
const step = (...term: number[]): Step => ({
  size: term.length,
  contribution: () => Float64Array.from(term),
});

describe("clipping", () => {
  it("keeps the direction and never exceeds the bound", () => {
    const draw = random(5);
    for (let round = 0; round < 200; round++) {
      const term = Float64Array.from({ length: 9 }, () => 10 * (draw() - 0.5));
      const bound = 20 * draw() + 1e-3;
      const clipped = clip(step(...term), term, bound, "user");
      expect(norm(clipped)).toBeLessThanOrEqual(bound);
      clipped.forEach((value, k) => {
        expect(value * term[0]!).toBeCloseTo(clipped[0]! * term[k]!, 9);
      });
      if (norm(term) < 0.99 * bound) expect(clipped).toEqual(term);
    }
  });

  it("takes terms that are made to have length 1 as that, but not those of a silo", () => {
    const short = { ...step(0.3, 0.4), unit: true };
    const term = short.contribution(fold);
    expect(norm(clip(short, term, 1, "user"))).toBeCloseTo(0.5 / 1.0001, 12);
    expect(clip(short, term, 1, "silo")).toEqual(term);
  });

  it("leaves nothing as it is", () => {
    expect(clip(step(0, 0), new Float64Array(2), 1, "user")).toEqual(new Float64Array(2));
  });
});

describe("the histogram of norms", () => {
  const bin = (length: number) =>
    measureNorms(step(length)).contribution(fold).findIndex((count) => count === 1);

  it("has 64 bins of which one is 1", () => {
    const counts = measureNorms(step(2.5)).contribution(fold);
    expect(counts).toHaveLength(64);
    expect(counts.reduce((a, b) => a + b)).toBe(1);
  });

  it("has edges from a thousandth to a million, with what lies beyond in the outermost", () => {
    expect([0, 1e-9, 1e-3, 0.00138].map(bin)).toEqual([0, 0, 0, 0]);
    expect(bin(0.001383)).toBe(1);
    expect([999_999, 1e6, 1e12].map(bin)).toEqual([63, 63, 63]);
    for (let edge = 1; edge < 64; edge++) {
      const at = 1e-3 * 1e9 ** (edge / 64);
      expect([at * (1 - 1e-9), at * (1 + 1e-9)].map(bin)).toEqual([edge - 1, edge]);
    }
  });
});
