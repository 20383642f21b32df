/** One person's interactions in the numbers of a catalog. */
import type { Model } from "./model.js";

export interface History {
  /** Item numbers, oldest first. */
  readonly items: Int32Array;
  /** How much each counts to the models that weigh them; 1 where left out. */
  readonly weights?: Float32Array;
}

/** An interaction as it was recorded. */
export interface Seen {
  readonly item: string;
  readonly time: number;
  readonly weight?: number;
}

/** What a model may see of a person, and the item that it must foretell, if one is held out. */
export interface Fold {
  readonly history: History;
  readonly heldOut?: number;
}

/**
 * Return interactions by time, those of one time as they were recorded. Exact repeats are left out,
 * and items that the catalog lacks.
 */
export function historyOf(model: Model, seen: readonly Seen[]): History {
  const met = new Set<string>();
  const kept = [...seen]
    .sort((a, b) => a.time - b.time)
    .filter(({ item, time }) => {
      const name = `${time} ${item}`;
      return !met.has(name) && met.add(name) && model.numbers.has(item);
    });
  const items = Int32Array.from(kept, ({ item }) => model.numbers.get(item)!);
  return kept.some(({ weight }) => weight !== undefined)
    ? { items, weights: Float32Array.from(kept, ({ weight }) => weight ?? 1) }
    : { items };
}

/** Return the fold of a history; held out is the last interaction of two or more. */
export function foldOf(history: History, heldOut: boolean): Fold {
  const { items, weights } = history;
  const last = items.length - 1;
  if (!heldOut || last < 1) return { history };
  const before = weights && { weights: weights.subarray(0, last) };
  return { history: { items: items.subarray(0, last), ...before }, heldOut: items[last]! };
}
