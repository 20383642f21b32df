/** Who this browser is to a deployment: a key that cannot be read out, and its certificate. */
import type { Bytes } from "../bytes.js";
import { type Database } from "./database.js";
/** A signing key; its private half stays with the browser's cryptography. */
export interface KeyPair {
    privateKey: CryptoKey;
    publicKey: Bytes;
}
/** The key with what the authority gave for it (CBOR). */
export interface Enrolled extends KeyPair {
    certificate: Bytes;
}
export declare const makeKey: () => Promise<KeyPair>;
export declare const readIdentity: (database: Database, deployment: string) => Promise<Enrolled | undefined>;
export declare const writeIdentity: (database: Database, deployment: string, enrolled: Enrolled) => Promise<unknown>;
