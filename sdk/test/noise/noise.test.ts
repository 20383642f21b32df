import { describe, expect, test } from "vitest";
import { hex, unhex } from "../../src/bytes.js";
import {
  checkQuantizer,
  largestSquare,
  quantize,
  ringBits,
  sensitivity,
} from "../../src/noise/quantizer.js";
import { addWords, encodeRing, packWords, ringHolding } from "../../src/noise/ring.js";
import { sampleSkellam, shareOf, skellamBound } from "../../src/noise/skellam.js";
import { secretStream, type Stream, streamOf } from "../../src/noise/stream.js";
import { examples, golden, refusal } from "../secure/golden.js";

const vectors = golden("noise.json");

/** A stream of known bytes, which also tells how many were taken. */
function given(drawn: Uint8Array): { stream: Stream; taken: () => number } {
  let at = 0;
  const stream: Stream = async (count) => drawn.slice(at, (at += count)).buffer as ArrayBuffer;
  return { stream, taken: () => at };
}

test.each(examples(vectors.shares))("a share of $total among $clients", (example: any) => {
  const { total, clients, adversaries, dropouts, variance, minimum } = example;
  expect(shareOf(total, clients, adversaries, dropouts)).toEqual({ variance, minimum });
});

test("shares never add up to less than the whole", () => {
  for (let clients = 1; clients < 3000; clients++) {
    const { variance } = shareOf(0.1, clients, 0, 0);
    expect(variance * clients).toBeGreaterThanOrEqual(0.1);
  }
});

test.each(examples(vectors.bounds))("the bound of $variance", ({ variance, bound }) => {
  expect(skellamBound(variance)).toBe(bound);
});

test.each(examples(vectors.skellam))("Skellam numbers of $variance", async (example: any) => {
  const { variance, key, count, values, digest } = example;
  const drawn = await sampleSkellam(streamOf(unhex(key)), count, variance);
  expect([...drawn.subarray(0, 40)].map((value) => value + 0)).toEqual(values);
  const whole = BigInt64Array.from(drawn, BigInt);
  expect(hex(new Uint8Array(await crypto.subtle.digest("SHA-256", whole)))).toBe(digest);
});

test.each(examples(vectors.ties))("ties are broken by further bits (%#)", async (example: any) => {
  const { variance, drawn, values } = example;
  const { stream, taken } = given(unhex(drawn));
  expect([...(await sampleSkellam(stream, 3, variance))]).toEqual(values);
  expect(taken()).toBe(40);
});

test("secret streams are all different", async () => {
  const drawn = [0, 1].map(() => sampleSkellam(secretStream(), 400, 400));
  const [first, second] = await Promise.all(drawn);
  expect(first).not.toEqual(second);
});

test.each(examples(vectors.quantizers))("bounds of $size values, $scale steps", (json: any) => {
  checkQuantizer(json);
  expect(String(BigInt(largestSquare(json)))).toBe(json.largest_square);
  expect(sensitivity(json)).toBe(json.sensitivity);
  expect(ringBits(json, json.vectors, json.noise)).toBe(json.bits);
});

describe("rounding", () => {
  test.each(examples(vectors.rounding))("$size values, $scale steps", async (example: any) => {
    const { key, vector, values } = example;
    const drawn = await quantize(Float64Array.from(vector), example, streamOf(unhex(key)));
    expect([...drawn].map((value) => value + 0)).toEqual(values);
  });

  test.each([
    [12, 1],
    [13, 2],
  ])("keeps %d steps of 12 after %d draws", async (ups, draws) => {
    const quantizer = { clip: 1, scale: 2, size: 16 };
    expect(largestSquare(quantizer)).toBe(12);
    // Each value is halfway between 0 and 1; low words round it up, high ones down.
    const up = new Uint8Array(8 * ups);
    const down = new Uint8Array(8 * 32).fill(255);
    const { stream, taken } = given(Uint8Array.from([...up, ...down]));
    const drawn = await quantize(new Float64Array(16).fill(0.25), quantizer, stream);
    expect(drawn.reduce((sum, value) => sum + value)).toBe(draws === 1 ? ups : 0);
    expect(taken()).toBe(128 * draws);
  });

  test.each([
    [[0.8, 0.7], 2],
    [[0.1], 2],
    [[NaN, 0], 2],
    [[Infinity, 0], 2],
  ])("refuses %j", async (vector, size) => {
    const quantizer = { clip: 1, scale: 9, size };
    const attempt = () => quantize(Float64Array.from(vector), quantizer, secretStream());
    expect(await refusal(attempt)).toBe("bad-vector");
  });
});

test.each([
  { clip: 0, scale: 1, size: 1 },
  { clip: 1, scale: -1, size: 1 },
  { clip: 1, scale: 1, size: 0 },
  { clip: 1, scale: 2 ** 47, size: 1 },
  { clip: Infinity, scale: 1e-300, size: 1 },
  { clip: NaN, scale: 1, size: 1 },
])("%o is no quantizer", async (quantizer) => {
  expect(await refusal(() => checkQuantizer(quantizer))).toBe("bad-quantizer");
});

test.each([-1, NaN, 2 ** 35])("a variance of %d is refused", async (variance) => {
  expect(await refusal(() => skellamBound(variance))).toBe("bad-variance");
  expect(await refusal(() => sampleSkellam(secretStream(), 1, variance))).toBe("bad-variance");
});

test("nobody left to make noise is refused", async () => {
  expect(await refusal(() => shareOf(1, 3, 0.4, 0.7))).toBe("too-few-clients");
});

test.each(examples(vectors.contributions))("a contribution in $bits bits", async (example: any) => {
  const { noise_key, rounding_key, bits, variance, vector, size, packed, values } = example;
  const total = await sampleSkellam(streamOf(unhex(noise_key)), size, variance);
  const rounded = await quantize(Float64Array.from(vector), example, streamOf(unhex(rounding_key)));
  for (const [i, value] of rounded.entries()) total[i]! += value;
  expect([...total].map(String)).toEqual(values);
  expect(hex(packWords(encodeRing(total, bits), bits))).toBe(packed);
});

const many = await streamOf(new Uint8Array(32))(8 * 301);

describe.each([16, 17, 22, 31, 32, 33, 45, 53, 63, 64])("a ring of %d bits", (bits) => {
  const integers = new BigInt64Array(many).map((value) => value >> 12n);
  const encoded = () => encodeRing(Float64Array.from(integers, Number), bits);
  /** Bit by bit, in big integers. */
  const naive = (values: bigint[]): string => {
    const all = values.reduceRight((sum, v) => (sum << BigInt(bits)) | BigInt.asUintN(bits, v), 0n);
    const digits = all.toString(16).padStart(2 * Math.ceil((values.length * bits) / 8), "0");
    return digits.match(/../g)!.reverse().join("");
  };

  test("packs as big integers do", () => {
    expect(hex(packWords(encoded(), bits))).toBe(naive([...integers]));
  });

  test("adds and takes away as big integers do", () => {
    const sum = encoded();
    for (let times = 0; times < 3; times++) addWords(sum, encoded(), bits, 1);
    expect(hex(packWords(sum, bits))).toBe(naive([...integers].map((value) => 4n * value)));
    for (let times = 0; times < 7; times++) addWords(sum, encoded(), bits, -1);
    expect(hex(packWords(sum, bits))).toBe(naive([...integers].map((value) => -3n * value)));
  });
});

test.each([
  [0n, 16],
  [2n ** 15n - 1n, 16],
  [2n ** 15n, 17],
  [2n ** 63n - 1n, 64],
])("sums up to %d take %d bits", (bound, bits) => {
  expect(ringHolding(bound)).toBe(bits);
});

test("sums beyond 64 bits are refused", async () => {
  expect(await refusal(() => ringHolding(2n ** 63n))).toBe("too-many-bits");
});
