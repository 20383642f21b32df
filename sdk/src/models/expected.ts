/**
 * What a model's file may hold. All of it is checked before a history is opened: a value by which the
 * computing fails, or takes longer, where a history holds its item would tell who holds it.
 */
import type { Tensor } from "./safetensors.js";

/** The bounds of counts and of all other values. */
const COUNT = 1e9;
const VALUE = 1e6;

/** No value but 0 is smaller: not even products of two are denormal, with which computers are slow. */
const SMALLEST = 2 ** -60;

const MOST_ITEMS = 1e6;
const LONGEST_ID = 512;

/** What hyper-parameters may be, both ends included. */
const LONGEST = 4096;
const MOST_MEMORIES = 8;
const MOST_FEATURES = 16_384;
const BELOW_ONE = 1 - 2 ** -53;
const PENALTY: Range = [1e-9, 1e9];
const SHARE: Range = [0, 1];
const DECAY: Range = [0, BELOW_ONE];
const LENGTH: Range = [1, LONGEST, true];

/** From, to, and whether it is whole. */
type Range = readonly [from: number, to: number, whole?: boolean];

/** An array: its values' type, its shape and its values' bounds. */
type Expected = readonly [
  kind: typeof Float32Array | typeof Float64Array | typeof BigInt64Array,
  shape: readonly number[],
  from: number,
  to: number,
];

type Options = Readonly<Record<string, any>>;

interface Recipe {
  readonly options: Readonly<Record<string, Range>>;
  /** Whether those options fit that are not numbers. */
  fits?(options: Options): boolean;
  /** From how many sums it is learned. */
  steps(options: Options): number;
  /** Return the arrays after so many sums; `width` is that of an array in the file. */
  arrays(
    m: number,
    round: number,
    options: Options,
    width: (name: string) => number,
  ): Record<string, Expected>;
}

const counts = (m: number): Expected => [Float32Array, [m], 0, COUNT];
const vectors = (...shape: number[]): Expected => [Float32Array, shape, -VALUE, VALUE];
const SEED: Expected = [BigInt64Array, [], 0, Number.MAX_SAFE_INTEGER];

/** What browsers know. */
const RECIPES: Record<string, Recipe> = {
  popularity: {
    options: {},
    steps: () => 1,
    arrays: (m) => ({ counts: [Float64Array, [m], -COUNT, COUNT] }),
  },
  als: {
    options: {
      dimension: LENGTH,
      regularization: PENALTY,
      unobserved: [1e-9, 1e3],
      rounds: [1, 1e4, true],
      step_size: [Number.MIN_VALUE, 1],
    },
    steps: ({ rounds }) => rounds,
    arrays: (m, _, { dimension }) => ({ counts: counts(m), vectors: vectors(m, dimension) }),
  },
  sequence: {
    options: {
      fourier: [0, 0],
      regularization: PENALTY,
      nearness: DECAY,
      vector_rounds: [1, 100, true],
      popularity_discount: SHARE,
      repeat_gain: [0, 1e3],
    },
    fits: ({ dimensions, decays }) =>
      dimensions.length >= 1 &&
      dimensions.length <= MOST_MEMORIES &&
      dimensions.length === decays.length &&
      dimensions.every((size: unknown) => within(size, LENGTH)) &&
      decays.every((decay: unknown) => within(decay, DECAY)) &&
      sum(dimensions) < MOST_FEATURES,
    steps: ({ vector_rounds, repeat_gain }) => vector_rounds + 2 + Number(repeat_gain > 0),
    arrays(m, round, { dimensions, vector_rounds }) {
      const size = Math.min(Math.max(...dimensions), m);
      const width = sum(dimensions.map((own: number) => Math.min(own, size))) + 1;
      const after = round - vector_rounds;
      return {
        counts: counts(m),
        vectors: vectors(m, size),
        seed: SEED,
        ...(after >= 2 && { weights: vectors(m, width) }),
        ...(after >= 3 && { own: vectors(4) }),
      };
    },
  },
  private_sequence: {
    options: {
      dimension: [2, LONGEST, true],
      decay: DECAY,
      trust: SHARE,
      popularity_discount: SHARE,
    },
    steps: () => 3,
    arrays(m, round, { dimension }, width) {
      const wide = (name: string) =>
        vectors(m, Math.max(1, Math.min(width(name), dimension, m)));
      return {
        popularity: counts(m),
        seed: SEED,
        ...(round >= 1 && { vectors1: wide("vectors1") }),
        ...(round >= 2 && { weights1: wide("vectors1"), vectors2: wide("vectors2") }),
        ...(round >= 3 && { weights2: wide("vectors2") }),
      };
    },
  },
};

export const KNOWN = Object.keys(RECIPES);

/** Return what is not as the recipe declares it; nothing where all is sound. */
export function unsound(
  name: string,
  options: Options,
  round: number,
  m: number,
  arrays: ReadonlyMap<string, Tensor>,
): string | undefined {
  const recipe = RECIPES[name]!;
  for (const [option, range] of Object.entries(recipe.options))
    if (!within(options[option], range)) return option;
  if (recipe.fits && !recipe.fits(options)) return "dimensions";
  if (!within(round, [0, recipe.steps(options), true])) return "round";
  const width = (array: string) => arrays.get(array)?.shape[1] ?? 0;
  const expected = Object.entries(recipe.arrays(m, round, options, width));
  if (expected.length !== arrays.size) return "number of arrays";
  return expected.find(([array, own]) => !holds(arrays.get(array), own))?.[0];
}

/** Whether ids and titles are distinct texts, and as many. */
export const isCatalog = (items: unknown[], titles: unknown[]): boolean =>
  within(items.length, [1, MOST_ITEMS]) &&
  titles.length === items.length &&
  [...items, ...titles].every((text) => typeof text === "string") &&
  items.every((id) => (id as string).length <= LONGEST_ID) &&
  new Set(items).size === items.length;

function holds(tensor: Tensor | undefined, [kind, shape, from, to]: Expected): boolean {
  if (!(tensor?.data instanceof kind) || String(tensor.shape) !== String(shape)) return false;
  const values = tensor.data instanceof BigInt64Array ? [Number(tensor.data[0])] : tensor.data;
  // Without branches this is ten times as fast; what is no number becomes least and most.
  let [least, most, smallest] = [to, from, Infinity];
  for (let at = 0; at < values.length; at++) {
    const value = values[at]!;
    least = Math.min(least, value);
    most = Math.max(most, value);
    smallest = Math.min(smallest, Math.abs(value) || Infinity);
  }
  return least >= from && most <= to && smallest >= SMALLEST;
}

const within = (value: unknown, [from, to, whole]: Range): boolean =>
  typeof value === "number" &&
  value >= from &&
  value <= to &&
  (!whole || Number.isInteger(value));

const sum = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0);
