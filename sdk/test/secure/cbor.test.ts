import { describe, expect, test } from "vitest";
import { type Bytes, hex, unhex } from "../../src/bytes.js";
import { streamOf } from "../../src/noise/stream.js";
import { decode, encode, type Value } from "../../src/secure/cbor.js";
import { refusal } from "./golden.js";

// Appendix A of RFC 8949, without what a message cannot hold.
const appendix: [string, Value][] = [
  ["00", 0],
  ["17", 23],
  ["1818", 24],
  ["1903e8", 1000],
  ["1a000f4240", 1_000_000],
  ["1b000000e8d4a51000", 1_000_000_000_000],
  ["1bffffffffffffffff", 18446744073709551615n],
  ["3bffffffffffffffff", -18446744073709551616n],
  ["20", -1],
  ["3863", -100],
  ["f4", false],
  ["f5", true],
  ["f6", null],
  ["40", unhex("")],
  ["4401020304", unhex("01020304")],
  ["60", ""],
  ["6449455446", "IETF"],
  ["62c3bc", "ü"],
  ["64f0908591", "\u{10151}"],
  ["80", []],
  ["8301820203820405", [1, [2, 3], [4, 5]]],
  ["a0", new Map()],
  ["a201020304", new Map([[1, 2], [3, 4]])],
  ["a26161016162820203", new Map<Value, Value>([["a", 1], ["b", [2, 3]]])],
  // Beyond the appendix: where numbers end to be exact, and a byte order mark.
  ["1b001fffffffffffff", 2 ** 53 - 1],
  ["1b0020000000000000", 2n ** 53n],
  ["3b001fffffffffffff", -(2n ** 53n)],
  ["3b001ffffffffffffe", 1 - 2 ** 53],
  ["63efbbbf", "\ufeff"],
];

test.each(appendix)("%s", (encoded, value) => {
  expect(hex(encode(value))).toBe(encoded);
  expect(decode(unhex(encoded))).toEqual(value);
});

test("keys are in the bytewise order of section 4.2.1", () => {
  const keys: Value[] = ["aa", "z", -1, 100, 10];
  const encoded = encode(new Map(keys.map((key) => [key, 0])));
  expect(hex(encoded)).toBe("a50a001864002000617a0062616100");
  expect([...(decode(encoded) as Map<Value, Value>).keys()]).toEqual([10, 100, -1, "z", "aa"]);
});

test.each([
  "", // nothing
  "0000", // two values
  "1817", // 23 in two bytes
  "1900ff",
  "1a0000ffff",
  "1b00000000ffffffff",
  "5803010203", // a length that is too long
  "5f4101ff", // indefinite lengths
  "7f6161ff",
  "9f01ff",
  "bf616101ff",
  "ff",
  "1c", // reserved
  "a2616201616101", // keys out of order
  "a2616101616102", // a key twice
  "a262616101616202", // the longer key first
  "a18001", // keys that are lists, booleans, nothing
  "a1f501",
  "a1f601",
  "c249010000000000000000", // tags
  "d823632e2a2a",
  "d81c80",
  "f90000", // floats
  "fa47c35000",
  "fb3ff199999999999a",
  "f7", // undefined
  "f0", // simple values
  "f818",
  "f814",
  "61ff", // not UTF-8
  "63eda080", // a surrogate
  "41", // too short
  "61",
  "810101",
  "8201",
  "5b1000000000000000", // 2**60 bytes
  "9b1000000000000000", // 2**60 values
  "bb8000000000000000", // 2**63 pairs
  "9bffffffffffffffff",
  `bb1000000000000000${"00".repeat(100)}`,
  `${"81".repeat(17)}00`, // too deep
  "81".repeat(100_000),
  "a100".repeat(100_000),
])("%.60s is refused", async (encoded) => {
  expect(await refusal(() => decode(unhex(encoded)))).toBe("bad-encoding");
});

const deep = (depth: number): Value => (depth ? [deep(depth - 1)] : 0);

test("sixteen levels are not too deep, seventeen are", async () => {
  expect(decode(encode(deep(16)))).toEqual(deep(16));
  expect(await refusal(() => encode(deep(17)))).toBe("bad-encoding");
});

const strange = [1.5, NaN, 2 ** 53, 2n ** 64n, -(2n ** 64n) - 1n, "\ud800", undefined, () => 1];

test.each(strange)("%s has no encoding", async (value) => {
  expect(await refusal(() => encode(value))).toBe("bad-encoding");
});

/** The value of a key's stream of bytes: small, of any kind. */
function grown(next: () => number, depth = 0): Value {
  const kind = next() % (depth < 4 ? 8 : 6);
  const count = next() % 5;
  if (kind === 0) return next() * 2 ** (next() % 45);
  if (kind === 1) return -(BigInt(next() + 1) << BigInt(next() % 56));
  if (kind === 2) return Uint8Array.from({ length: next() }, next);
  if (kind === 3) return String.fromCodePoint(...Array.from({ length: count }, () => next() * 77));
  if (kind < 6) return [null, true, false][count % 3]!;
  if (kind === 6) return Array.from({ length: count }, () => grown(next, depth + 1));
  return new Map(Array.from({ length: count }, () => [String(next()), grown(next, depth + 1)]));
}

describe("values of random bytes", async () => {
  const bytes = new Uint8Array(await streamOf(new Uint8Array(32))(1 << 18));
  let at = 0;
  const next = (): number => bytes[at++]!;
  const canonical = async (data: Bytes): Promise<boolean> => {
    let value: Value;
    try {
      value = decode(data);
    } catch {
      return (await refusal(() => decode(data))) === "bad-encoding";
    }
    return hex(encode(value)) === hex(data);
  };

  test("have one encoding, and damaged ones are refused or that of another value", async () => {
    for (let round = 0; round < 300; round++) {
      const encoded = encode(grown(next));
      expect(hex(encode(decode(encoded)))).toBe(hex(encoded));
      for (let damage = 0; damage < 5; damage++) {
        const place = (next() * 256 + next()) % encoded.length;
        const changed = encoded.slice();
        changed[place]! ^= 1 << (next() % 8);
        expect(await canonical(changed)).toBe(true);
        expect(await canonical(encoded.slice(0, place))).toBe(true);
      }
    }
  });
});
