import { describe, expect, test } from "vitest";
import { hex, unhex } from "../../src/bytes.js";
import { encodeRing, packWords, wordBytes, type Words, wordsOf } from "../../src/noise/ring.js";
import { streamOf } from "../../src/noise/stream.js";
import { decode, encode } from "../../src/secure/cbor.js";
import { derive } from "../../src/secure/crypto.js";
import { neighboursOf } from "../../src/secure/graph.js";
import { seal } from "../../src/secure/hpke.js";
import { leaf, rootOf } from "../../src/secure/merkle.js";
import { Terms } from "../../src/secure/messages.js";
import { sid } from "../../src/secure/session.js";
import { polynomialOf, shareAt } from "../../src/secure/shamir.js";
import { fromWire, toWire } from "../../src/secure/wire.js";
import { examples, given, golden, refusal, termsOf } from "./golden.js";

const primitives = golden("primitives.json");
const { cbor, ring, prg, hkdf, sid: named, shamir, merkle, hpke, graph } = primitives;

/** A ring's words as integers, whatever their width. */
const integers = (words: Words, bits: number): string[] => {
  const size = wordBytes(bits);
  const view = new DataView(words.buffer);
  return Array.from({ length: words.byteLength / size }, (_, i) => {
    if (size === 2) return String(view.getUint16(2 * i, true));
    return String(size === 4 ? view.getUint32(4 * i, true) : view.getBigUint64(8 * i, true));
  });
};

test.each(examples(cbor))("CBOR $encoded", ({ value, encoded }: any) => {
  expect(hex(encode(value))).toBe(encoded);
  expect(hex(encode(decode(unhex(encoded))))).toBe(encoded);
});

test.each(examples(ring))("a ring of $bits bits packs words", ({ bits, values, packed }) => {
  const whole = new BigInt64Array(values.map(BigInt));
  const wide = new Uint32Array(whole.buffer);
  const words = bits > 32 ? wide : wordsOf(new ArrayBuffer(wordBytes(bits) * values.length), bits);
  if (bits <= 32) words.set(wide.filter((_, i) => i % 2 === 0));
  expect(hex(packWords(words, bits))).toBe(packed);
});

// The largest integers of wide rings are beyond those that clients make, which doubles hold.
const exact = examples(ring).filter(({ values }) => values.map(Number).every(Number.isSafeInteger));

test.each(exact)("a ring of $bits bits encodes integers", ({ bits, values, packed }) => {
  const words = encodeRing(Float64Array.from(values, Number), bits);
  expect(hex(packWords(words, bits))).toBe(packed);
});

test.each(examples(prg))("words of $bits bits from a key", async ({ key, bits, words }: any) => {
  const drawn = await streamOf(unhex(key))(words.length * wordBytes(bits));
  expect(integers(wordsOf(drawn, bits), bits)).toEqual(words);
});

test("a stream goes on where it stopped, also within a block", async () => {
  const key = unhex(prg[0].key);
  const whole = new Uint8Array(await streamOf(key)(200));
  const stream = streamOf(key);
  const parts = await Promise.all([3, 8, 37, 16, 136].map((count) => stream(count)));
  expect(Buffer.concat(parts.map((part) => Buffer.from(part))).toString("hex")).toBe(hex(whole));
});

test.each(examples(hkdf))("keys for $purpose", async (example: any) => {
  const { secret, session, purpose, context, key } = example;
  expect(hex(await derive(unhex(secret), unhex(session), purpose, unhex(context)))).toBe(key);
});

test.each(examples(named))("session $sid", async ({ terms, encoded, sid: expected }: any) => {
  expect(hex(toWire("terms", termsOf(terms)))).toBe(encoded);
  expect(hex(await sid(fromWire(Terms, unhex(encoded))))).toBe(expected);
});

test.each(examples(shamir))("shares of threshold $threshold", (example: any) => {
  const { threshold, secrets, coefficients, shares } = example;
  const polynomials = secrets.map((secret: string, i: number) =>
    polynomialOf(unhex(secret), threshold, given(coefficients[i])),
  );
  const found = shares.map((_: string, at: number) =>
    polynomials.map((each: bigint[]) => hex(shareAt(each, at + 1))).join(""),
  );
  expect(found).toEqual(shares);
});

describe.each(examples(merkle))("a tree with the root $root", ({ entries, root, proofs }: any) => {
  test("has a proof for each entry", async () => {
    for (const [at, entry] of entries.entries()) {
      const found = await rootOf(await leaf(unhex(entry)), at, entries.length, unhex(proofs[at]));
      expect(hex(found)).toBe(root);
    }
  });
  test("has none of another length or place", async () => {
    const entry = await leaf(unhex(entries[0]));
    const proof = unhex(proofs[0]);
    const size = entries.length;
    expect(await refusal(() => rootOf(entry, size, size, proof))).toBe("bad-proof");
    expect(await refusal(() => rootOf(entry, 0, size, unhex(proofs[0] + "00")))).toBe("bad-proof");
    expect(await refusal(() => rootOf(entry, 0, 2 * size + 1, proof))).toBe("bad-proof");
  });
});

test.each(examples(hpke))("what is sealed to $public", async (example: any) => {
  const { public: recipient, ephemeral, info, plaintext, sealed } = example;
  const [text, key, about] = [plaintext, recipient, info].map(unhex);
  expect(hex(await seal(text!, key!, about!, given([ephemeral])))).toBe(sealed);
});

test.each(examples(graph))("$degree neighbours", async ({ view, degree, neighbours }: any) => {
  const found = await Promise.all(
    neighbours.map((_: unknown, at: number) =>
      neighboursOf(unhex(view), neighbours.length, degree, at),
    ),
  );
  expect(found).toEqual(neighbours);
});
