/** What both modes do to a vector: append the count, add masks, pack. */
import type { Bytes } from "../bytes.js";
import { type Words } from "../noise/ring.js";
import type { Terms } from "./messages.js";
/** A mask's key, and whether it is added or taken away. */
export type Mask = readonly [key: Bytes, sign: 1 | -1];
/**
 * A vector in the terms' ring, with the 1 behind it that counts this client and with masks, packed;
 * and the hash of that. Refuses with `bad-vector` one of another length or type.
 */
export declare function maskVector({ words: count, bits }: Terms, words: Words, masks: readonly Mask[]): Promise<{
    masked: Bytes;
    digest: Bytes;
}>;
