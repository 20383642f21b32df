/** Seeded draws and models of any size, for checks against plain arithmetic. */
import type { Model } from "../../src/models/model.js";

/** Return a generator of numbers from 0 to below 1 (mulberry32). */
export function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Return a model of random arrays, each given by its shape, with values around 0. */
export function randomModel(
  recipe: string,
  items: number,
  round: number,
  options: Record<string, unknown>,
  shapes: Record<string, number[]>,
  seed = 7,
): Model {
  const draw = random(seed);
  const names = Array.from({ length: items }, (_, number) => `item ${number}`);
  const arrays = Object.entries(shapes).map(([name, shape]) => {
    const length = shape.reduce((a, b) => a * b, 1);
    const data = Float32Array.from({ length }, () =>
      /counts|popularity/.test(name) ? Math.floor(50 * draw()) : draw() - 0.5,
    );
    return [name, { shape, data }] as const;
  });
  return {
    recipe,
    options,
    round,
    items: names,
    titles: names,
    numbers: new Map(names.map((name, number) => [name, number])),
    arrays: new Map(arrays),
  };
}

/** Return a random history. */
export function randomItems(items: number, length: number, seed: number): Int32Array {
  const draw = random(seed);
  return Int32Array.from({ length }, () => Math.floor(items * draw()));
}
