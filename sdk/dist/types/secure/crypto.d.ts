import { type Bytes } from "../bytes.js";
/** Signs with a key that need not be readable. */
export interface Signer {
    readonly publicKey: Bytes;
    sign(message: Bytes): Promise<Bytes>;
}
export declare const sha256: (...parts: readonly ArrayLike<number>[]) => Promise<Bytes>;
/** HKDF with SHA-256 (RFC 5869). */
export declare function hkdf(secret: Bytes, salt: Bytes, info: Bytes, length?: number): Promise<Bytes>;
/** Key material for one purpose in one session. */
export declare const derive: (secret: Bytes, session: Bytes, purpose: string, context?: ArrayLike<number>, length?: number) => Promise<Bytes>;
/** An X25519 private key of 32 random or derived bytes. */
export declare const exchangeKey: (secret: Bytes) => Promise<CryptoKey>;
/** The secret that two X25519 keys share (RFC 7748); refuses with `bad-key` where it is none. */
export declare function agree(own: CryptoKey, other: Bytes): Promise<Bytes>;
/** The public half of an X25519 key: what it makes of the base point. */
export declare function publicOf(own: CryptoKey): Promise<Bytes>;
/**
 * A plaintext under AES-GCM, or a ciphertext opened; rejects where the tag does not fit. The nonce
 * is 0 where a key serves once.
 */
export declare function aesGcm(usage: "encrypt" | "decrypt", raw: Bytes, data: Bytes, additionalData: Bytes, iv?: Uint8Array<ArrayBuffer>): Promise<Bytes>;
/** Refuses with `bad-signature` what an Ed25519 key did not sign. */
export declare function verify(key: Bytes, message: Bytes, signature: Bytes, code?: string): Promise<void>;
