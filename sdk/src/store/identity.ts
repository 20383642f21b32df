/** Who this browser is to a deployment: a key that cannot be read out, and its certificate. */
import type { Bytes } from "../bytes.js";
import { type Database, get, put } from "./database.js";

/** A signing key; its private half stays with the browser's cryptography. */
export interface KeyPair {
  privateKey: CryptoKey;
  publicKey: Bytes;
}

/** The key with what the authority gave for it (CBOR). */
export interface Enrolled extends KeyPair {
  certificate: Bytes;
}

const keyOf = (deployment: string): string => `identity/${deployment}`;

export const makeKey = async (): Promise<KeyPair> => {
  const pair = (await crypto.subtle.generateKey("Ed25519", false, ["sign"])) as CryptoKeyPair;
  const publicKey = new Uint8Array(await crypto.subtle.exportKey("raw", pair.publicKey));
  return { privateKey: pair.privateKey, publicKey };
};

export const readIdentity = (
  database: Database,
  deployment: string,
): Promise<Enrolled | undefined> =>
  database.run(["values"], "readonly", (transaction) =>
    get(transaction, "values", keyOf(deployment)),
  );

export const writeIdentity = (
  database: Database,
  deployment: string,
  enrolled: Enrolled,
): Promise<unknown> =>
  database.run(["values"], "readwrite", (transaction) =>
    put(transaction, "values", enrolled, keyOf(deployment)),
  );
