/** Integers modulo a power of two, in which secured sums are made. */
import type { Bytes } from "../bytes.js";
/**
 * Words of 16 or 32 bits; of a ring above 32 bits each takes two, the low half first. They may
 * carry anything above the ring's bits, which vanishes when they are packed. Typed arrays are
 * little-endian wherever browsers run.
 */
export type Words = Uint16Array<ArrayBuffer> | Uint32Array<ArrayBuffer>;
/** The bytes of a word: the narrowest of 2, 4 and 8 that holds the ring. */
export declare const wordBytes: (bits: number) => number;
/** Bytes as words of a ring. */
export declare const wordsOf: (data: ArrayBuffer, bits: number) => Words;
/** The bits of the narrowest ring in which no sum between -bound and +bound overflows. */
export declare function ringHolding(bound: bigint): number;
/** So many words, all 0. */
export declare const blankWords: (count: number, bits: number) => Words;
/** Integers below 2**53 as words. */
export declare function encodeRing(values: ArrayLike<number>, bits: number): Words;
/** Adds words, times 1 or -1, to others in place. */
export declare function addWords(into: Words, words: Words, bits: number, sign: 1 | -1): void;
/** Lays words out bit by bit, lowest bits first, without gaps. */
export declare function packWords(words: Words, bits: number): Bytes;
