/** Who this browser is to the coordinator: a key that cannot be read out, and its certificate. */
import type { Bytes } from "../bytes.js";
import { type Database, result } from "./database.js";

/** A signing key; its private half stays with the browser's cryptography. */
export interface KeyPair {
  privateKey: CryptoKey;
  publicKey: Bytes;
}

/** The key with what the authority gave for it (CBOR). */
export interface Enrolled extends KeyPair {
  certificate: Bytes;
}

const KEY = "identity";

export const makeKey = async (): Promise<KeyPair> => {
  const pair = (await crypto.subtle.generateKey("Ed25519", false, ["sign"])) as CryptoKeyPair;
  const publicKey = new Uint8Array(await crypto.subtle.exportKey("raw", pair.publicKey));
  return { privateKey: pair.privateKey, publicKey };
};

export const readIdentity = (database: Database): Promise<Enrolled | undefined> =>
  database.run(["values"], "readonly", (transaction) =>
    result(transaction.objectStore("values").get(KEY)),
  );

export const writeIdentity = (database: Database, enrolled: Enrolled): Promise<unknown> =>
  database.run(["values"], "readwrite", (transaction) =>
    result(transaction.objectStore("values").put(enrolled, KEY)),
  );
