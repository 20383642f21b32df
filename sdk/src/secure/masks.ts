/** What both modes do to a vector: append the count, add masks, pack. */
import type { Bytes } from "../bytes.js";
import { insist } from "../insist.js";
import { addWords, blankWords, encodeRing, packWords, type Words, wordsOf } from "../noise/ring.js";
import { streamOf } from "../noise/stream.js";
import { sha256 } from "./crypto.js";
import type { Terms } from "./messages.js";

/** A mask's key, and whether it is added or taken away. */
export type Mask = readonly [key: Bytes, sign: 1 | -1];

/**
 * A vector in the terms' ring, with the 1 behind it that counts this client and with masks, packed;
 * and the hash of that. Refuses with `bad-vector` one of another length or type.
 */
export async function maskVector(
  { words: count, bits }: Terms,
  words: Words,
  masks: readonly Mask[],
): Promise<{ masked: Bytes; digest: Bytes }> {
  const one = encodeRing([1], bits);
  const sum = blankWords(count, bits);
  const fits = words.length === sum.length - one.length;
  insist(fits && words.BYTES_PER_ELEMENT === sum.BYTES_PER_ELEMENT, "bad-vector");
  sum.set(words);
  sum.set(one, words.length);
  for (const [key, sign] of masks) {
    addWords(sum, wordsOf(await streamOf(key)(sum.byteLength), bits), bits, sign);
  }
  const masked = packWords(sum, bits);
  return { masked, digest: await sha256(masked) };
}
