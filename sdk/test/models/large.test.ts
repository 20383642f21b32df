/** Models of the size of MovieLens 100K against plain formulas, and what they take. */
import { describe, expect, it } from "vitest";
import { foldInOf } from "../../src/models/als.js";
import type { History } from "../../src/models/history.js";
import type { Model } from "../../src/models/model.js";
import { recommend } from "../../src/models/ranking.js";
import { scorerOf } from "../../src/models/scorer.js";
import { nextStep } from "../../src/models/steps.js";
import { random, randomItems, randomModel } from "./random.js";
import { expectClose, historyOfItems } from "./vectors.js";

const ITEMS = 1682;
const history = historyOfItems(...randomItems(60, 106, 3));

const array = (model: Model, name: string) => model.arrays.get(name)!.data as Float32Array;
const row = (data: Float32Array, width: number, item: number, size = width) =>
  Array.from(data.subarray(item * width, item * width + size));
const inner = (a: ArrayLike<number>, b: ArrayLike<number>) =>
  Array.from(a).reduce((sum, value, k) => sum + value * b[k]!, 0);

/** The sum of decay ** age times vector over a history, scaled to length 1. */
function state(model: Model, name: string, size: number, decay: number, items: Int32Array) {
  const width = model.arrays.get(name)!.shape[1]!;
  const sum = Array.from({ length: size }, (_, k) =>
    items.reduce(
      (total, item, t) =>
        total + decay ** (items.length - 1 - t) * array(model, name)[item * width + k]!,
      0,
    ),
  );
  const length = Math.sqrt(inner(sum, sum));
  return sum.map((value) => value / length);
}

const sequence = (round: number) =>
  randomModel(
    "sequence",
    ITEMS,
    round,
    {
      dimensions: [64, 20],
      decays: [0.8, 0.4],
      popularity_discount: 0.1,
      repeat_gain: 0,
      nearness: 0.9,
      vector_rounds: 5,
    },
    { counts: [ITEMS], vectors: [ITEMS, 64], weights: [ITEMS, 85] },
  );

const features = (model: Model, items: Int32Array) => [
  ...state(model, "vectors", 64, 0.8, items),
  ...state(model, "vectors", 20, 0.4, items),
  1,
];

describe("a catalog of 1,682 items", () => {
  it("is scored by the sequence model as the formula says", () => {
    const model = sequence(7);
    const phi = features(model, history.items);
    const expected = Array.from({ length: ITEMS }, (_, item) => {
      const discount = (array(model, "counts")[item]! + 1) ** -0.1;
      return discount * inner(row(array(model, "weights"), 85, item), phi);
    });
    expectClose(scorerOf(model).scores(history), expected, 1e-6);
  });

  it("is read out as the formula says", () => {
    const model = sequence(6);
    const term = nextStep(model)!.contribution({ history });
    const gram = new Float64Array((85 * 86) / 2);
    const next = new Float64Array(ITEMS * 85);
    for (let t = 1; t < history.items.length; t++) {
      const phi = features(model, history.items.subarray(0, t));
      let at = 0;
      phi.forEach((one, i) => phi.slice(i).forEach((other) => (gram[at++]! += one * other)));
      phi.forEach((value, k) => (next[history.items[t]! * 85 + k]! += value));
    }
    expectClose(term, [...gram, ...next], 1e-7);
  });

  it("gets item vectors as the formula says", () => {
    const model = sequence(2);
    const term = nextStep(model)!.contribution({ history });
    const expected = new Float64Array(ITEMS * 64);
    history.items.forEach((one, t) =>
      history.items.forEach((other, s) => {
        const root = Math.sqrt(Math.max(array(model, "counts")[other]!, 1));
        row(array(model, "vectors"), 64, other).forEach((value, k) => {
          expected[one * 64 + k]! += (0.9 ** Math.abs(s - t) * value) / root;
        });
      }),
    );
    expectClose(term, expected, 1e-6);
  });

  it("is read out with terms of length 1, for whatever history", () => {
    const shape = { popularity: [ITEMS], vectors1: [ITEMS, 96] };
    const model = randomModel("private_sequence", ITEMS, 1, { decay: 0.6 }, shape);
    const step = nextStep(model)!;
    for (let seed = 0; seed < 20; seed++) {
      const items = randomItems(seed < 10 ? 9 : ITEMS, 2 + seed * 5, seed);
      const term = step.contribution({ history: historyOfItems(...items) });
      expect(Math.sqrt(inner(term, term))).toBeCloseTo(1, 10);
    }
  });

  it("has users' vectors that solve their normal equations", () => {
    const options = { unobserved: 0.2, regularization: 0.01 };
    const model = randomModel("als", ITEMS, 8, options, {
      vectors: [ITEMS, 32],
      counts: [ITEMS],
    });
    const vectors = array(model, "vectors");
    const draw = random(9);
    const right = Float64Array.from({ length: 32 }, draw);
    const weighed: History = {
      ...history,
      weights: Float32Array.from(history.items, () => 3 * draw()),
    };
    const x = foldInOf(model).solve(weighed, right);
    const left = Float64Array.from(x, (v) => 0.01 * (weighed.items.length + 0.2 * ITEMS) * v);
    const addTo = (item: number, weight: number) => {
      const vector = row(vectors, 32, item);
      const product = weight * inner(vector, x);
      vector.forEach((value, k) => (left[k]! += product * value));
    };
    for (let item = 0; item < ITEMS; item++) addTo(item, 0.2);
    weighed.items.forEach((item, t) => addTo(item, weighed.weights![t]!));
    expectClose(left, right, 1e-9);
  });
});

/** Return the shortest time of several runs in milliseconds: other programs only make it longer. */
function fastest(run: () => void): number {
  const times = Array.from({ length: 30 }, () => {
    const start = performance.now();
    run();
    return performance.now() - start;
  });
  return Math.min(...times);
}

describe("10,000 items with 64 features", () => {
  const m = 10_000;
  const recent = historyOfItems(...randomItems(m, 100, 4));
  const readout = randomModel(
    "sequence",
    m,
    7,
    { dimensions: [63], decays: [0.8], popularity_discount: 0.1, repeat_gain: 0 },
    { counts: [m], vectors: [m, 63], weights: [m, 64] },
  );
  const factors = randomModel(
    "als",
    m,
    8,
    { unobserved: 0.2, regularization: 0.01 },
    { counts: [m], vectors: [m, 64] },
  );

  it.each([readout, factors])("take less than 4 ms to score and rank with $recipe", (model) => {
    const scorer = scorerOf(model);
    const took = fastest(() => recommend(scorer, recent, { k: 12 }));
    expect(took).toBeLessThan(4);
  });

  it("take less than 8 ms from an interaction to a varied list", () => {
    const scorer = scorerOf(readout);
    let items = recent.items;
    const took = fastest(() => {
      items = Int32Array.from([...items, 17]);
      recommend(scorer, { ...recent, items }, { k: 12, diversify: 0.3 });
    });
    expect(took).toBeLessThan(8);
  });
});
