/**
 * Deterministic CBOR (RFC 8949, section 4.2.1): one value, one encoding. The decoder takes the
 * canonical form and nothing else, and never builds what it would refuse.
 */
import { type Bytes } from "../bytes.js";
/** What a message holds; a map's keys are integers, bytes or text. */
export type Value = number | bigint | string | boolean | null | Bytes | Value[] | ValueMap;
export type ValueMap = Map<Value, Value>;
/** The one encoding of a value; a plain object is the map of its entries. */
export declare function encode(value: unknown, depth?: number): Bytes;
/** The value of a canonical encoding; refuses any other with `bad-encoding`. */
export declare function decode(data: Bytes): Value;
