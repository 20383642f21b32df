/** From clipped vectors to integers: stochastic rounding with an exact sensitivity. */
import { insist } from "../insist.js";
import { ringHolding } from "./ring.js";
import type { Stream } from "./stream.js";

/** Scales a vector and rounds it to integers at random (Kairouz, Liu and Steinke 2021). */
export interface Quantizer {
  /** The L2 bound on the vectors handed in. */
  readonly clip: number;
  /** Steps per unit. */
  readonly scale: number;
  /** The number of coordinates. */
  readonly size: number;
}

const FINEST = 2 ** 46;
const SLACK = 1e-6;
/** Values that are rounded at a stretch, a few milliseconds. */
const CHUNK = 1 << 16;

/** Refuses a quantizer whose integers floats could not hold. */
export function checkQuantizer({ clip, scale, size }: Quantizer): void {
  const sound = clip > 0 && scale > 0 && clip * scale <= FINEST && size >= 1;
  insist(sound && isFinite(clip + scale), "bad-quantizer");
}

/** The bound on the squared L2 norm of an integer vector, in steps squared. */
export function largestSquare({ clip, scale, size }: Quantizer): number {
  const steps = clip * scale;
  const root = Math.sqrt(size);
  const certain = (steps + root) * (steps + root);
  return Math.floor(Math.min(certain, steps * steps + size / 4 + steps + root / 2));
}

/** The bound on the L2 norm of an integer vector, in steps. */
export const sensitivity = (quantizer: Quantizer): number =>
  nextUp(Math.sqrt(largestSquare(quantizer)));

/** The bits of the narrowest ring in which a sum of so many vectors and noise cannot overflow. */
export function ringBits(quantizer: Quantizer, vectors: number, noiseBound: number): number {
  const square = BigInt(largestSquare(quantizer));
  let bound = BigInt(Math.floor(Math.sqrt(Number(square)))) + 1n;
  while (bound * bound > square) bound--;
  return ringHolding(BigInt(vectors) * bound + BigInt(noiseBound));
}

/** The next larger float of one above 0. */
export function nextUp(value: number): number {
  const bits = new BigUint64Array(Float64Array.of(value).buffer);
  bits[0]!++;
  return new Float64Array(bits.buffer)[0]!;
}

/** The scaled vector rounded to integers, each up or down at random, within the norm's bound. */
export async function quantize(
  vector: Float64Array,
  quantizer: Quantizer,
  stream: Stream,
): Promise<Float64Array> {
  const { clip, scale, size } = quantizer;
  let norm = 0;
  for (const value of vector) norm += value * value;
  norm = Math.sqrt(norm);
  insist(vector.length === size && norm <= clip * (1 + SLACK), "bad-vector");
  // A vector that is over by rounding is brought back, or it might never be kept.
  const factor = scale * Math.min(1, norm ? clip / norm : 1);
  const limit = largestSquare(quantizer);
  const drawn = new Float64Array(size);
  for (;;) {
    let square = 0;
    for (let start = 0; start < size; start += CHUNK) {
      const count = Math.min(CHUNK, size - start);
      const words = new Uint32Array(await stream(8 * count));
      for (let i = 0; i < count; i++) {
        const scaled = vector[start + i]! * factor;
        const down = Math.floor(scaled);
        // Uniform in the middles of 2**53 cells.
        const cell = words[2 * i + 1]! * 2 ** 21 + (words[2 * i]! >>> 11);
        const value = (cell + 0.5) * 2 ** -53 < scaled - down ? down + 1 : down;
        drawn[start + i] = value;
        square += value * value;
      }
    }
    // Floats decide unless they are too close to call.
    const close = Math.abs(square - limit) <= (size + 4) * 2 ** -52 * limit;
    if (close ? exactSquare(drawn) <= limit : square < limit) return drawn;
  }
}

const exactSquare = (values: Float64Array): bigint =>
  values.reduce<bigint>((sum, value) => sum + BigInt(value) ** 2n, 0n);
