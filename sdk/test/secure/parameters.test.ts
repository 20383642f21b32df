import { describe, expect, test } from "vitest";
import { type Floor, checkFloor } from "../../src/secure/floor.js";
import { type Assumptions, chooseNeighbours, isPrivate } from "../../src/secure/parameters.js";
import { golden, refusal, termsOf } from "./golden.js";

// The table of tests/privacy/secure/test_parameters.py, where all are above a hundred clients.
const shares = [
  [0.2, 0.1],
  [0.2, 0.2],
  [1 / 3, 0.1],
  [1 / 3, 0.2],
] as const;
const table: [number, boolean, [number, number][]][] = [
  [1_000, false, [[68, 44], [98, 54], [102, 72], [162, 100]]],
  [1_000, true, [[140, 104], [302, 206], [218, 171], [504, 366]]],
  [10_000, false, [[80, 51], [122, 67], [126, 88], [212, 130]]],
  [10_000, true, [[184, 136], [482, 328], [314, 245], [1078, 781]]],
];

describe.each(table)("among %d clients, the server lying: %s", (clients, semiMalicious, row) => {
  test.each(row.map((entry, i) => [shares[i]!, entry] as const))("%j", (share, entry) => {
    const [adversaries, dropouts] = share;
    const found = chooseNeighbours(clients, { adversaries, dropouts, semiMalicious });
    expect([found.neighbours, found.threshold]).toEqual(entry);
  });
});

const ways = (of: number, chosen: number): bigint => {
  if (chosen < 0 || chosen > of) return 0n;
  let found = 1n;
  for (let i = 1; i <= chosen; i++) found = (found * BigInt(of - chosen + i)) / BigInt(i);
  return found;
};

test.each<[number, number, Assumptions]>([
  [30, 29, { adversaries: 0.2, dropouts: 0.1, semiMalicious: true }],
  [30, 29, { adversaries: 0.2, dropouts: 0.1, semiMalicious: false }],
  [120, 70, { adversaries: 0.2, dropouts: 0.1, semiMalicious: true }],
  [120, 60, { adversaries: 0.1, dropouts: 0.05, semiMalicious: false }],
  [400, 110, { adversaries: 1 / 3, dropouts: 0.1, semiMalicious: true }],
])("thresholds of %d clients with %d neighbours in exact fractions", (clients, degree, assumed) => {
  const corrupt = Math.floor(clients * assumed.adversaries + 1e-9);
  const chance = (reach: number): boolean => {
    let hits = 0n;
    for (let x = Math.max(0, reach); x <= degree; x++) {
      hits += ways(corrupt, x) * ways(clients - 1 - corrupt, degree - x);
    }
    return BigInt(clients) * hits * 2n ** 41n <= ways(clients - 1, degree);
  };
  for (let threshold = 1; threshold <= degree; threshold++) {
    const reach = assumed.semiMalicious ? 2 * threshold - degree : threshold;
    expect(isPrivate(clients, degree, threshold, assumed)).toBe(chance(reach));
  }
  expect(isPrivate(clients, degree, degree + 1, assumed)).toBe(false);
});

test("a graph that falls apart is not private", () => {
  const assumed = { adversaries: 0.001, dropouts: 0.3, semiMalicious: false };
  expect(isPrivate(1000, 4, 4, assumed)).toBe(false);
  expect(isPrivate(1000, 40, 4, assumed)).toBe(true);
});

test("too few clients for the promise", async () => {
  const assumed = { adversaries: 1 / 3, dropouts: 0.1, semiMalicious: true };
  expect(await refusal(() => chooseNeighbours(3, assumed))).toBe("too-few-clients");
  expect(chooseNeighbours(20, assumed).neighbours).toBe(19);
});

describe("a floor", () => {
  const terms = termsOf(golden("pairwise.json").terms);
  const floor: Floor = {
    minimum: 3,
    adversaries: 0,
    dropouts: 0.1,
    semiMalicious: false,
    modes: ["pairwise", "split"],
    consistency: true,
  };

  test("lets pass what keeps to it", () => {
    checkFloor(floor, terms);
    checkFloor(floor, terms, 4);
    const split = { mode: "split", neighbours: 0, threshold: 0, consistency: false };
    checkFloor(floor, { ...terms, ...split });
  });

  test.each<[Partial<Floor>, number, string]>([
    [{ modes: ["split"] }, 5, "weak-mode"],
    [{ minimum: 4 }, 5, "weak-minimum"],
    [{}, 2, "bad-roster"],
    [{}, 6, "bad-roster"],
    [{ semiMalicious: true, adversaries: 0.4 }, 5, "weak-threshold"],
    [{ adversaries: 0.7 }, 5, "weak-threshold"],
    [{}, 3, "weak-threshold"],
  ])("%o refuses a roster of %d: %s", async (insisted, clients, code) => {
    const check = () => checkFloor({ ...floor, ...insisted }, terms, clients);
    expect(await refusal(check)).toBe(code);
  });

  test("refuses survivors that nobody signs for", async () => {
    const check = () => checkFloor(floor, { ...terms, consistency: false });
    expect(await refusal(check)).toBe("weak-consistency");
  });
});
