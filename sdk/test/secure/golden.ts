/** The golden vectors of protocol/vectors, and what their entries stand for. */
import { readFileSync } from "node:fs";
import { type Bytes, concat, unhex } from "../../src/bytes.js";
import { HedgerowError } from "../../src/errors.js";
import type { Random } from "../../src/noise/stream.js";
import type { Signer } from "../../src/secure/crypto.js";
import type { Certificate, Terms } from "../../src/secure/messages.js";

export const golden = (name: string): any =>
  JSON.parse(readFileSync(new URL(`../../../protocol/vectors/${name}`, import.meta.url), "utf8"));

/** A group of vectors, as vitest wants its cases. */
export const examples = (group: any): Record<string, any>[] => group;

/** Every entry of an object in hexadecimal as bytes; names and the like stay as they are. */
const bytesIn = (json: Record<string, unknown>, names: string[]): any => ({
  ...json,
  ...Object.fromEntries(names.map((name) => [name, unhex(json[name] as string)])),
});

export const termsOf = (json: any): Terms => bytesIn(json, ["model", "config"]);

export const certificateOf = (json: any): Certificate =>
  bytesIn(json, ["key", "path", "signature"]);

/** Randomness that is known, in order. */
export function given(drawn: string[]): Random {
  const left = drawn.map(unhex);
  return (count) => {
    const next = left.shift();
    if (next?.length !== count) throw new Error(`${count} bytes are drawn, not ${next?.length}`);
    return next;
  };
}

/** What signs with a raw Ed25519 key. */
export async function signerOf(key: Bytes): Promise<Signer> {
  const prefix = unhex("302e020100300506032b657004220420");
  const pkcs8 = concat(prefix, key);
  const own = await crypto.subtle.importKey("pkcs8", pkcs8, "Ed25519", true, ["sign"]);
  const { x } = await crypto.subtle.exportKey("jwk", own);
  const publicKey = Uint8Array.from(Buffer.from(x!, "base64url"));
  const sign = async (message: Bytes): Promise<Bytes> =>
    new Uint8Array(await crypto.subtle.sign("Ed25519", own, message));
  return { publicKey, sign };
}

/** The code with which something is refused. */
export async function refusal(attempt: () => unknown): Promise<string> {
  try {
    await attempt();
  } catch (error) {
    if (error instanceof HedgerowError) {
      if (!/^[A-Z].*\.$/.test(error.message)) throw new Error(`no sentence: ${error.message}`);
      return error.code;
    }
    throw error;
  }
  return "nothing is refused";
}
