import { describe, expect, test } from "vitest";
import { epsilonSpent } from "../../src/network/accounting.js";
import type { Cost } from "../../src/store/journal.js";

const gaussian = (multiplier: number): Cost => ({
  mechanism: "gaussian",
  multiplier,
  sensitivity: 0,
  size: 0,
  clients: 0,
});
const skellam = (multiplier: number, sensitivity: number, size: number, clients: number): Cost => ({
  mechanism: "skellam",
  multiplier,
  sensitivity,
  size,
  clients,
});

/** By `hedgerow.privacy.releases.epsilon_spent`. */
const PYTHON: [Cost[], number, number][] = [
  [[], 1e-5, 0],
  [[gaussian(4)], 1e-6, 1.0607018623282736],
  [[gaussian(0.5)], 1e-5, 9.997256146434298],
  [[gaussian(40)], 1e-5, 0.07494168719787647],
  [[gaussian(300)], 1e-5, 0.007895701242623064],
  [[gaussian(1e6)], 1e-5, 0],
  [[gaussian(0.1)], 1e-8, 105.3272470887507],
  [[...Array(7).fill(gaussian(1)), gaussian(3.3)], 1e-5, 14.309527191743214],
  [[skellam(4, 200.5, 40, 100)], 1e-6, 1.1435824713983127],
  [[skellam(1, 1000, 53824, 2000)], 1e-5, 4.754691729185079],
  [[skellam(2, 50, 1000, 100), gaussian(5)], 1e-5, 2.352789939562947],
  [Array(3).fill(skellam(30, 50, 10, 100)), 1e-5, 0.20747847541466272],
];

describe("the account", () => {
  test.each(PYTHON)("is that of Python (%#)", (costs, delta, expected) => {
    expect(epsilonSpent(costs, delta)).toBeCloseTo(expected, 9);
  });

  test("has no bound where samplers are not exact enough", () => {
    expect(epsilonSpent([skellam(0.15, 5000, 100, 100)], 1e-5)).toBe(Infinity);
  });

  test("grows with each release", () => {
    for (const cost of [gaussian(2), skellam(2, 100, 50, 100)]) {
      const totals = [1, 2, 3, 4].map((count) => epsilonSpent(Array(count).fill(cost), 1e-5));
      expect(totals).toEqual([...totals].sort((a, b) => a - b));
      expect(new Set(totals).size).toBe(4);
    }
  });
});
