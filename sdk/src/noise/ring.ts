/** Integers modulo a power of two, in which secured sums are made. */
import type { Bytes } from "../bytes.js";
import { insist } from "../insist.js";

/**
 * Words of 16 or 32 bits; of a ring above 32 bits each takes two, the low half first. They may
 * carry anything above the ring's bits, which vanishes when they are packed. Typed arrays are
 * little-endian wherever browsers run.
 */
export type Words = Uint16Array<ArrayBuffer> | Uint32Array<ArrayBuffer>;

const NARROWEST = 16;
const WIDEST = 64;
const HALF = 2 ** 32;

/** The bytes of a word: the narrowest of 2, 4 and 8 that holds the ring. */
export const wordBytes = (bits: number): number => (bits <= 16 ? 2 : bits <= 32 ? 4 : 8);

/** Bytes as words of a ring. */
export const wordsOf = (data: ArrayBuffer, bits: number): Words =>
  bits <= 16 ? new Uint16Array(data) : new Uint32Array(data);

/** The bits of the narrowest ring in which no sum between -bound and +bound overflows. */
export function ringHolding(bound: bigint): number {
  const bits = Math.max(NARROWEST, bound.toString(2).length + 1);
  insist(bits <= WIDEST, "too-many-bits");
  return bits;
}

/** So many words, all 0. */
export const blankWords = (count: number, bits: number): Words =>
  wordsOf(new ArrayBuffer(count * wordBytes(bits)), bits);

/** Integers below 2**53 as words. */
export function encodeRing(values: ArrayLike<number>, bits: number): Words {
  const words = blankWords(values.length, bits);
  // Assigning to a typed array of integers reduces modulo its width, negative ones too.
  if (bits <= 32) {
    words.set(values);
    return words;
  }
  for (let i = 0; i < values.length; i++) {
    words[2 * i] = values[i]!;
    words[2 * i + 1] = Math.floor(values[i]! / HALF);
  }
  return words;
}

/** Adds words, times 1 or -1, to others in place. */
export function addWords(into: Words, words: Words, bits: number, sign: 1 | -1): void {
  if (bits <= 32) {
    for (let i = 0; i < words.length; i++) into[i]! += sign * words[i]!;
    return;
  }
  for (let i = 0; i < words.length; i += 2) {
    const low = into[i]! + sign * words[i]!;
    into[i] = low;
    into[i + 1]! += sign * words[i + 1]! + Math.floor(low / HALF);
  }
}

/** Lays words out bit by bit, lowest bits first, without gaps. */
export function packWords(words: Words, bits: number): Bytes {
  const step = bits <= 32 ? 1 : 2;
  const total = (words.length / step) * bits;
  const out = new Uint32Array(Math.ceil(total / 32));
  const top = bits - 32 * (step - 1);
  const mask = top < 32 ? 2 ** top - 1 : HALF - 1;
  let at = 0;
  let filled = 0;
  let cell = 0;
  const put = (piece: number, width: number): void => {
    cell |= piece << filled;
    filled += width;
    if (filled < 32) return;
    out[at++] = cell;
    filled -= 32;
    // A shift by 32 is one by 0, so nothing may be left over then.
    cell = filled ? piece >>> (width - filled) : 0;
  };
  for (let i = 0; i < words.length; i += step) {
    if (step > 1) put(words[i]!, 32);
    put(words[i + step - 1]! & mask, top);
  }
  if (filled) out[at] = cell;
  return new Uint8Array(out.buffer, 0, Math.ceil(total / 8));
}
