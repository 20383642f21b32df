/** Bytes, and how they are put together. */
export type Bytes = Uint8Array<ArrayBuffer>;
export declare const utf8: (text: string) => Bytes;
export declare function concat(...parts: readonly ArrayLike<number>[]): Bytes;
/** What is hashed or signed for one purpose: a label, and what it is about. */
export declare const labelled: (purpose: string, ...parts: readonly ArrayLike<number>[]) => Bytes;
/** Eight bytes, big-endian. */
export declare function big64(value: number | bigint): Bytes;
export declare const equal: (a: Bytes, b: Bytes) => boolean;
export declare const hex: (bytes: Bytes) => string;
/** The bytes of hexadecimal text that holds nothing else. */
export declare const unhex: (text: string) => Bytes;
