import { type Bytes } from "../bytes.js";
/** Gives the next bytes of a keystream. */
export type Stream = (count: number) => Promise<ArrayBuffer>;
/** Fresh random bytes; who draws secrets can be given others, such as golden vectors. */
export type Random = (count: number) => Bytes;
export declare const randomBytes: Random;
/** The keystream of AES-256 in counter mode, from a zero counter; one key for one use. */
export declare function streamOf(key: Bytes): Stream;
/** A stream that nobody can predict. */
export declare const secretStream: () => Stream;
