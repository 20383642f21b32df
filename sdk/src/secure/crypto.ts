/** The primitives, all of them WebCrypto's. */
import { breathe } from "../breathe.js";
import { type Bytes, concat, labelled, unhex, utf8 } from "../bytes.js";
import { insist } from "../insist.js";

/** Signs with a key that need not be readable. */
export interface Signer {
  readonly publicKey: Bytes;
  sign(message: Bytes): Promise<Bytes>;
}

const out = async (made: Promise<ArrayBuffer>): Promise<Bytes> => new Uint8Array(await made);

export const sha256 = (...parts: readonly ArrayLike<number>[]): Promise<Bytes> =>
  out(crypto.subtle.digest("SHA-256", concat(...parts)));

/** HKDF with SHA-256 (RFC 5869). */
export async function hkdf(secret: Bytes, salt: Bytes, info: Bytes, length = 32): Promise<Bytes> {
  const key = await crypto.subtle.importKey("raw", secret, "HKDF", false, ["deriveBits"]);
  const algorithm = { name: "HKDF", hash: "SHA-256", salt, info };
  return out(crypto.subtle.deriveBits(algorithm, key, 8 * length));
}

/** Key material for one purpose in one session. */
export const derive = (
  secret: Bytes,
  session: Bytes,
  purpose: string,
  context: ArrayLike<number> = [],
  length = 32,
): Promise<Bytes> =>
  hkdf(secret, session, labelled("derive", utf8(`${purpose}\0`), context), length);

/** An X25519 private key of 32 random or derived bytes. */
export const exchangeKey = (secret: Bytes): Promise<CryptoKey> =>
  crypto.subtle.importKey(
    "pkcs8",
    concat(unhex("302e020100300506032b656e04220420"), secret),
    "X25519",
    false,
    ["deriveBits"],
  );

/** The secret that two X25519 keys share (RFC 7748); refuses with `bad-key` where it is none. */
export async function agree(own: CryptoKey, other: Bytes): Promise<Bytes> {
  await breathe();
  const key = await crypto.subtle.importKey("raw", other, "X25519", false, []);
  try {
    return await out(crypto.subtle.deriveBits({ name: "X25519", public: key }, own, 256));
  } catch {
    return insist(false, "bad-key") as never;
  }
}

/** The public half of an X25519 key: what it makes of the base point. */
export function publicOf(own: CryptoKey): Promise<Bytes> {
  const base = new Uint8Array(32);
  base[0] = 9;
  return agree(own, base);
}

/**
 * A plaintext under AES-GCM, or a ciphertext opened; rejects where the tag does not fit. The nonce
 * is 0 where a key serves once.
 */
export async function aesGcm(
  usage: "encrypt" | "decrypt",
  raw: Bytes,
  data: Bytes,
  additionalData: Bytes,
  iv = new Uint8Array(12),
): Promise<Bytes> {
  const key = await crypto.subtle.importKey("raw", raw, "AES-GCM", false, [usage]);
  return out(crypto.subtle[usage]({ name: "AES-GCM", iv, additionalData }, key, data));
}

/** Refuses with `bad-signature` what an Ed25519 key did not sign. */
export async function verify(
  key: Bytes,
  message: Bytes,
  signature: Bytes,
  code = "bad-signature",
): Promise<void> {
  await breathe();
  const imported = await crypto.subtle.importKey("raw", key, "Ed25519", false, ["verify"]);
  insist(await crypto.subtle.verify("Ed25519", imported, signature, message), code);
}
