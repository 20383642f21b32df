/** Random numbers from a cryptographic stream: rounding, noise and masks take theirs from here. */
import { breathe } from "../breathe.js";
import { big64, type Bytes, concat } from "../bytes.js";

/** Bytes that take a part of a millisecond. */
const LARGE = 1 << 15;

/** Gives the next bytes of a keystream. */
export type Stream = (count: number) => Promise<ArrayBuffer>;

/** Fresh random bytes; who draws secrets can be given others, such as golden vectors. */
export type Random = (count: number) => Bytes;

export const randomBytes: Random = (count) => crypto.getRandomValues(new Uint8Array(count));

/** The keystream of AES-256 in counter mode, from a zero counter; one key for one use. */
export function streamOf(key: Bytes): Stream {
  const imported = crypto.subtle.importKey("raw", key, "AES-CTR", false, ["encrypt"]);
  let at = 0;
  return async (count) => {
    const skip = at % 16;
    const counter = concat(new Uint8Array(8), big64((at - skip) / 16));
    at += count;
    const algorithm = { name: "AES-CTR", counter, length: 64 };
    const zeros = new Uint8Array(skip + count);
    if (count > LARGE) await breathe();
    const out: ArrayBuffer = await crypto.subtle.encrypt(algorithm, await imported, zeros);
    return skip ? out.slice(skip) : out;
  };
}

/** A stream that nobody can predict. */
export const secretStream = (): Stream => streamOf(randomBytes(32));
