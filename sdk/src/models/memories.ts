/** Decayed states of item vectors along a history: `h = decay * h + vector`, scaled to length 1. */

import type { Vectors } from "./model.js";

export interface Memory extends Vectors {
  readonly decay: number;
}

export const totalSize = (parts: readonly Vectors[]): number =>
  parts.reduce((sum, { size }) => sum + size, 0);

/** Return the sum of products of two stretches of values. */
export function dot(
  a: ArrayLike<number>,
  aStart: number,
  b: ArrayLike<number>,
  bStart: number,
  size: number,
): number {
  let sum = 0;
  for (let k = 0; k < size; k++) sum += a[aStart + k]! * b[bStart + k]!;
  return sum;
}

/**
 * Return the unit states after the whole history, one memory after the other, followed by the
 * length that each had; `visit` is shown the unit states after each interaction.
 */
export function along(
  memories: readonly Memory[],
  items: Int32Array,
  visit?: (position: number, features: Float64Array) => void,
): { features: Float64Array; lengths: number[] } {
  const total = totalSize(memories);
  const states = new Float64Array(total);
  const features = new Float64Array(total);
  let lengths: number[] = memories.map(() => 0);
  const scale = () => {
    let start = 0;
    lengths = memories.map(({ size }) => {
      const length = Math.max(Math.sqrt(dot(states, start, states, start, size)), 1e-9);
      for (const stop = start + size; start < stop; start++)
        features[start] = states[start]! / length;
      return length;
    });
  };
  for (let position = 0; position < items.length; position++) {
    let start = 0;
    for (const { data, stride, size, decay } of memories) {
      const row = items[position]! * stride;
      for (let k = 0; k < size; k++, start++)
        states[start] = decay * states[start]! + data[row + k]!;
    }
    if (visit || position === items.length - 1) scale();
    visit?.(position, features);
  }
  return { features, lengths };
}
