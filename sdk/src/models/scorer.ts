/** Scores of one history: every recipe's are weights times features of the history, plus a bias. */
import { foldInOf, type FoldIn } from "./als.js";
import type { History } from "./history.js";
import { along, totalSize, type Memory } from "./memories.js";
import { floats, option, table, values, type Model, type Vectors } from "./model.js";
import { recalled } from "./own.js";

/** What the most popular item gets beyond the als model's score, which is of the order of 1. */
const TIE_BREAK = 1e-6;

export interface Scorer {
  /** Items x `size`, row by row. */
  readonly weights: Float32Array;
  readonly size: number;
  /** One per item; none where it is 0. */
  readonly bias?: Float32Array;
  /** What each own item's decayed counts add: a coefficient per decay, and a factor per item. */
  readonly own?: { readonly coefficients: readonly number[]; readonly factors: Float32Array };
  /** Vectors that say how alike items are; none where the recipe has none. */
  readonly vectors?: Vectors;
  /** Of features that are unit states. */
  readonly memories?: readonly Memory[];
  /** Of features that solve normal equations. */
  readonly solve?: FoldIn["solve"];
  /** Return the history's features, `size` of them. */
  features(history: History): Float64Array;
  /** Return a score for every item; higher is better. */
  scores(history: History): Float32Array;
}

type Parts = Omit<Scorer, "scores">;

/** Prepare a model for scoring; done once, so that each history takes little. */
export function scorerOf(model: Model): Scorer {
  const parts = PARTS[model.recipe]!(model);
  return { ...parts, scores: (history) => scored(parts, history) };
}

function scored({ weights, size, bias, own, features }: Parts, history: History): Float32Array {
  const phi = features(history);
  const count = bias ? bias.length : weights.length / size;
  const scores = bias ? bias.slice() : new Float32Array(count);
  for (let item = 0; item < count; item += 4) {
    // Four sums that do not wait for each other; those beyond the last item are not kept.
    const row = (k: number) => Math.min(item + k, count - 1) * size;
    const [i, j, l, m] = [row(0), row(1), row(2), row(3)];
    let [a, b, c, d] = [0, 0, 0, 0];
    for (let k = 0; k < size; k++) {
      const feature = phi[k]!;
      a += weights[i + k]! * feature;
      b += weights[j + k]! * feature;
      c += weights[l + k]! * feature;
      d += weights[m + k]! * feature;
    }
    scores[item]! += a;
    scores[item + 1]! += b;
    scores[item + 2]! += c;
    scores[item + 3]! += d;
  }
  if (own)
    for (const [item, added] of recalled(history.items, own.coefficients))
      scores[item]! += added * own.factors[item]!;
  return scores;
}

const PARTS: Record<string, (model: Model) => Parts> = {
  popularity: (model) => constant(values(model, "counts")),
  als(model) {
    const { vectors, solve } = foldInOf(model);
    const counts = values(model, "counts");
    const most = counts.reduce((a, b) => Math.max(a, b), 1);
    return {
      weights: vectors.data,
      size: vectors.size,
      bias: counts.map((count) => (TIE_BREAK * count) / most),
      vectors,
      solve,
      features: solve,
    };
  },
  sequence(model) {
    const memories = memoriesOf(model);
    const [first] = memories as [Memory];
    if (!model.arrays.has("weights")) return byStates([first], [first], undefined, first);
    const size = totalSize(memories);
    const data = values(model, "weights");
    const discount = discountOf(model, "counts");
    const own = model.arrays.get("own");
    const gain = option(model, "repeat_gain");
    return {
      ...byStates(memories, [{ data, stride: size + 1, size }], discount, first),
      bias: discount.map((factor, item) => factor * data[item * (size + 1) + size]!),
      ...(own && {
        own: { coefficients: Array.from(floats(own), (c) => gain * c), factors: discount },
      }),
    };
  },
  private_sequence(model) {
    if (model.round < 2) return constant(values(model, "popularity"));
    const tables = (name: string) =>
      [1, 2].slice(0, model.round - 1).map((number) => table(model, name + number));
    const decay = Math.fround(option(model, "decay"));
    const memories = tables("vectors").map((vectors) => ({ ...vectors, decay }));
    const discount = discountOf(model, "popularity");
    return byStates(memories, tables("weights"), discount, memories.at(-1)!);
  },
};

/** Return the memories of the sequence model. */
export function memoriesOf(model: Model): Memory[] {
  const vectors = table(model, "vectors");
  const { dimensions, decays } = model.options as Record<string, readonly number[]>;
  return dimensions!.map((size, place) => ({
    ...vectors,
    size: Math.min(size, vectors.size),
    decay: Math.fround(decays![place]!),
  }));
}

/** Scores that are the same for every history. */
const constant = (bias: Float32Array): Parts => ({
  weights: new Float32Array(),
  size: 0,
  bias,
  features: () => new Float64Array(),
});

/** Scores linear in unit states, with the tables of weights side by side and times a discount. */
function byStates(
  memories: readonly Memory[],
  tables: readonly Vectors[],
  discount: Float32Array | undefined,
  vectors: Vectors,
): Parts {
  const size = totalSize(memories);
  const count = tables[0]!.data.length / tables[0]!.stride;
  const weights = new Float32Array(count * size);
  for (let item = 0, at = 0; item < count; item++)
    for (const table of tables)
      for (let k = 0; k < table.size; k++)
        weights[at++] = table.data[item * table.stride + k]! * (discount ? discount[item]! : 1);
  return {
    weights,
    size,
    vectors,
    memories,
    features: (history) => along(memories, history.items).features,
  };
}

/** Return the factors that hold popular items back. */
function discountOf(model: Model, name: string): Float32Array {
  const power = -Math.fround(option(model, "popularity_discount"));
  return values(model, name).map((count) => (count + 1) ** power);
}
