/** One contribution in split mode, from the invitation to the moment when the report would leave. */
import { type Bytes, utf8 } from "../src/bytes.js";
import { readAsk } from "../src/federation/ask.js";
import { termsOf } from "../src/federation/terms.js";
import type { Api } from "../src/network/api.js";
import { conscienceOf } from "../src/network/conscience.js";
import { DEFAULT_GUARD } from "../src/network/promise.js";
import { takePart } from "../src/network/taking-part.js";
import { toWire } from "../src/secure/wire.js";
import { openDatabase } from "../src/store/database.js";
import { makeKey } from "../src/store/identity.js";
import { openVisitor } from "../src/store/visitor.js";

const TASK = "shop";

/** Ends a contribution where the network would begin. */
const SENT = new Error("It would be sent now.");

/** Store a visitor's consent and history, as a page does. */
export async function visit(items: string[]): Promise<void> {
  const visitor = await openVisitor(TASK, { changed: () => {}, failed: () => {} });
  await visitor.agree({ train: true }, "1");
  for (const [time, item] of items.entries()) await visitor.add({ item, kind: "view", time });
  visitor.close();
}

/** Waiting for the moment at which a contribution may leave takes nothing of the page. */
const withoutWaiting = (): void => {
  globalThis.setTimeout = ((work: () => void) => {
    queueMicrotask(work);
    return 0;
  }) as unknown as typeof setTimeout;
};

/** Return the milliseconds and the bytes of each contribution to releases of one ask. */
export async function contribute(
  json: string,
  model: Bytes,
  count: number,
): Promise<{ ms: number; bytes: number }[]> {
  withoutWaiting();
  const key = await makeKey();
  const [path, signature] = [new Uint8Array(), new Uint8Array(64)];
  const certificate = { key: key.publicKey, position: 0, size: 1, path, signature };
  const sealing = (await crypto.subtle.generateKey("X25519", true, ["deriveBits"])) as CryptoKeyPair;
  const exported = new Uint8Array(await crypto.subtle.exportKey("raw", sealing.publicKey));
  const servers = { coordinator: key.publicKey, helper: key.publicKey, sealing: exported };
  const sign = async (message: Bytes): Promise<Bytes> =>
    new Uint8Array(await crypto.subtle.sign("Ed25519", key.privateKey, message));
  const database = (await openDatabase(false))!;
  // Many rounds in a row cost more than a visitor is promised; the promise itself is checked.
  const conscience = conscienceOf(database, { ...DEFAULT_GUARD, epsilon: null }, TASK, "");
  const found = [];
  for (let round = 0; round < count; round++) {
    const ask = utf8(json.replace("shop/0/step", `shop/${round}/step`));
    const invitation = toWire("invitation", { ask, terms: await termsOf(readAsk(ask), 0) });
    let began = 0;
    let bytes = 0;
    const api: Api = {
      enrol: async () => new Uint8Array(),
      checkIn: async () => ({ later: 0 }),
      model: async () => model,
      told: async () => {
        began = performance.now();
        return invitation;
      },
      send: async (_round, _kind, body) => {
        bytes = body.length;
        throw SENT;
      },
    };
    const identity = { certificate, signer: { publicKey: key.publicKey, sign } };
    const signal = new AbortController().signal;
    const authority = key.publicKey;
    // As where the model is another one in each round, and on disk already.
    const keys = { identity, authority, servers };
    const failed = (why: unknown): never => {
      throw why;
    };
    const taker = { api, database, conscience, ...keys, last: {}, signal, failed };
    try {
      await takePart(taker, { round: String(round), phase: "report" });
    } catch (problem) {
      if (problem !== SENT) throw problem;
    }
    found.push({ ms: performance.now() - began, bytes });
  }
  database.close();
  return found;
}
