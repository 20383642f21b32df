/**
 * Deterministic CBOR (RFC 8949, section 4.2.1): one value, one encoding. The decoder takes the
 * canonical form and nothing else, and never builds what it would refuse.
 */
import { big64, type Bytes, concat, utf8 } from "../bytes.js";
import { insist } from "../insist.js";

/** What a message holds; a map's keys are integers, bytes or text. */
export type Value = number | bigint | string | boolean | null | Bytes | Value[] | ValueMap;
export type ValueMap = Map<Value, Value>;

/** How deep lists and maps may be nested. */
const DEPTH = 16;
/** How many values one encoding may hold. */
const ITEMS = 1 << 22;
const MOST = (1n << 64n) - 1n;
const SIMPLE = [false, true, null];

/** Refuses what is not canonical, or cannot be encoded. */
function sound(holds: unknown): asserts holds {
  insist(holds, "bad-encoding");
}

const head = (major: number, argument: number | bigint): Bytes => {
  if (argument < 24) return Uint8Array.of((major << 5) | Number(argument));
  const log = argument < 256 ? 0 : argument < 65536 ? 1 : argument < 2 ** 32 ? 2 : 3;
  return concat([(major << 5) | (24 + log)], big64(argument).subarray(8 - (1 << log)));
};

const compare = (a: Bytes, b: Bytes): number => {
  const at = a.findIndex((byte, i) => byte !== b[i]);
  return at < 0 ? a.length - b.length : a[at]! - (b[at] ?? -1);
};

/** The one encoding of a value; a plain object is the map of its entries. */
export function encode(value: unknown, depth = DEPTH): Bytes {
  const simple = SIMPLE.indexOf(value as boolean);
  if (simple >= 0) return Uint8Array.of(0xf4 + simple);
  if (typeof value === "bigint" || Number.isSafeInteger(value)) {
    const exact = BigInt(value as bigint);
    const argument = exact < 0n ? -1n - exact : exact;
    sound(argument <= MOST);
    return head(exact < 0n ? 1 : 0, argument);
  }
  if (typeof value === "string") {
    sound(!/\p{Surrogate}/u.test(value));
    const text = utf8(value);
    return concat(head(3, text.length), text);
  }
  if (value instanceof Uint8Array) return concat(head(2, value.length), value);
  sound(depth);
  if (Array.isArray(value)) {
    return concat(head(4, value.length), ...value.map((item) => encode(item, depth - 1)));
  }
  sound(typeof value === "object");
  const entries = value instanceof Map ? [...value] : Object.entries(value!);
  const pairs = entries.map(([key, item]) => [encode(key, 0), encode(item, depth - 1)] as const);
  pairs.sort(([a], [b]) => compare(a, b));
  return concat(head(5, pairs.length), ...pairs.flat());
}

/** The value of a canonical encoding; refuses any other with `bad-encoding`. */
export function decode(data: Bytes): Value {
  let at = 0;
  let items = ITEMS;
  const take = (size: number): Bytes => {
    at += size;
    sound(at <= data.length);
    return data.slice(at - size, at);
  };
  const expect = (count: number): void => {
    items -= count;
    sound(items >= 0);
  };
  const read = (depth: number): Value => {
    const first = take(1)[0]!;
    const major = first >> 5;
    let argument: number | bigint = first & 31;
    // Neither an indefinite length nor a reserved value.
    sound(argument < 28);
    if (argument > 23) {
      const size = 1 << (argument - 24);
      argument = take(size).reduce((sum, byte) => sum * 256n + BigInt(byte), 0n);
      // In its shortest form.
      sound(argument >= (size > 1 ? 1n << BigInt(4 * size) : 24n));
    }
    if (major < 2) {
      const exact = major ? -1n - BigInt(argument) : BigInt(argument);
      const short = Number(exact);
      return Number.isSafeInteger(short) ? short : exact;
    }
    const size = Number(argument);
    if (major === 2) return take(size);
    if (major === 3) {
      const text = take(size);
      try {
        return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(text);
      } catch {
        sound(false);
      }
    }
    if (major === 7) {
      sound(size > 19 && size < 23);
      return SIMPLE[size - 20]!;
    }
    // No tags, and nothing nested too deep.
    sound(major < 6 && depth);
    if (major === 4) {
      expect(size);
      return Array.from({ length: size }, () => read(depth - 1));
    }
    expect(2 * size);
    const found: ValueMap = new Map();
    let previous = new Uint8Array();
    for (let i = 0; i < size; i++) {
      const start = at;
      const key = read(0);
      sound(key !== null && typeof key !== "boolean");
      const encoded = data.subarray(start, at);
      sound(compare(previous, encoded) < 0);
      previous = encoded;
      found.set(key, read(depth - 1));
    }
    return found;
  };
  const value = read(DEPTH);
  sound(at === data.length);
  return value;
}
