/** The distribution function of a Skellam number's absolute value, as integers. */

import { breathe } from "../breathe.js";

/** Thresholds of 127 bits; the last is a sentinel above all words. */
export interface Table {
  /** Their 63 high bits. */
  readonly high: BigUint64Array;
  /** The same in pairs of a low and a high half. */
  readonly halves: Uint32Array;
  /** Their 64 low bits. */
  readonly low: BigUint64Array;
  /** How many thresholds lie at or below each multiple of 2**47. */
  readonly guide: Uint32Array;
}

/** How many thresholds are worked out at a stretch, a few milliseconds. */
const STRETCH = 4096;

/**
 * Miller's algorithm: the recurrence of the modified Bessel functions, downwards, from far beyond
 * the last one needed (Olver et al., NIST Handbook, section 3.6), in integers.
 */
export async function tableOf(variance: number, reach: number): Promise<Table> {
  let numerator = variance;
  let twice = 2n;
  for (; !Number.isInteger(numerator); numerator *= 2) twice *= 2n;
  const divisor = BigInt(numerator);
  const weights: bigint[] = [];
  let total = 0n;
  let [beyond, weight] = [0n, 1n << 160n];
  for (let k = reach + (reach >> 1) + 16; k >= 0; k--) {
    if (k <= reach) {
      weights[k] = weight;
      total += k ? 2n * weight : weight;
    }
    [beyond, weight] = [weight, beyond + (BigInt(k) * twice * weight) / divisor];
    if (k % STRETCH === 0) await breathe();
  }
  const high = new BigUint64Array(reach + 1).fill(2n ** 64n - 1n);
  const low = high.slice();
  let below = -weights[0]!;
  for (let k = 0; k < reach; k++) {
    below += 2n * weights[k]!;
    const threshold = (below << 127n) / total;
    high[k] = threshold >> 64n;
    low[k] = threshold;
    if (k % STRETCH === 0) await breathe();
  }
  const halves = new Uint32Array(high.buffer);
  const guide = new Uint32Array(1 << 16);
  for (let cell = 0, found = 0; cell < guide.length; cell++) {
    // A multiple of 2**47 is one of 2**15 in the high half, and 0 in the low one.
    for (; halves[2 * found + 1]! <= cell << 15; found++) {
      if (halves[2 * found + 1] === cell << 15 && halves[2 * found]) break;
    }
    guide[cell] = found;
  }
  return { high, halves, low, guide };
}
