/** Shamir's secret sharing of 16-byte secrets (1979), over the largest prime below 2**128. */
import type { Bytes } from "../bytes.js";
import type { Random } from "../noise/stream.js";

const PRIME = 2n ** 128n - 159n;
export const SHARE = 16;

const numberOf = (bytes: Bytes): bigint =>
  bytes.reduceRight<bigint>((sum, byte) => (sum << 8n) | BigInt(byte), 0n);

/** A uniform secret, drawn again until it is below the prime. */
export function drawSecret(random: Random): Bytes {
  for (;;) {
    const drawn = random(SHARE);
    if (numberOf(drawn) < PRIME) return drawn;
  }
}

/** A polynomial for a secret, from the highest power down; `threshold` shares recover it. */
export const polynomialOf = (secret: Bytes, threshold: number, random: Random): bigint[] =>
  [...Array.from({ length: threshold - 1 }, () => drawSecret(random)), secret].map(numberOf);

/** A polynomial's value at a place from 1 up: one share. */
export function shareAt(polynomial: readonly bigint[], place: number): Bytes {
  const x = BigInt(place);
  let value = polynomial.reduce((sum, coefficient) => (sum * x + coefficient) % PRIME, 0n);
  return Uint8Array.from({ length: SHARE }, () => {
    const byte = Number(value & 255n);
    value >>= 8n;
    return byte;
  });
}
