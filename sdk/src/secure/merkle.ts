/** Merkle trees' proofs of inclusion (RFC 9162, section 2.1), over SHA-256. */
import type { Bytes } from "../bytes.js";
import { insist } from "../insist.js";
import { sha256 } from "./crypto.js";

const HASH = 32;

/** The hash of one entry; its prefix keeps it apart from those of inner nodes. */
export const leaf = (...entry: readonly Bytes[]): Promise<Bytes> => sha256([0], ...entry);

/** The root of the tree in which a leaf has a place; refuses with `bad-proof` what cannot be. */
export async function rootOf(
  entry: Bytes,
  position: number,
  size: number,
  proof: Bytes,
): Promise<Bytes> {
  let found = entry;
  let at = 0;
  let place = position;
  // Not shifts: positions may exceed 32 bits.
  for (let last = size - 1; last > 0; last = Math.floor(last / 2)) {
    const right = place % 2;
    if (right || place < last) {
      const sibling = proof.subarray(at, (at += HASH));
      found = await (right ? sha256([1], sibling, found) : sha256([1], found, sibling));
    }
    place = Math.floor(place / 2);
  }
  insist(position < size && at === proof.length, "bad-proof");
  return found;
}
