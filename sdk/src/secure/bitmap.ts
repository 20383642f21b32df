/** Sets of positions as bitmaps: nobody can be listed twice, and a set has one form only. */
import type { Bytes } from "../bytes.js";
import { insist } from "../insist.js";

/** Which of `size` positions are in a set, lowest bit first; refuses with `bad-bitmap`. */
export function fromBitmap(data: Bytes, size: number): Set<number> {
  insist(data.length === Math.ceil(size / 8), "bad-bitmap");
  const places = Array.from({ length: 8 * data.length }, (_, at) => at);
  const members = places.filter((at) => (data[at >> 3]! >> (at & 7)) & 1);
  insist((members.at(-1) ?? 0) < size, "bad-bitmap");
  return new Set(members);
}
