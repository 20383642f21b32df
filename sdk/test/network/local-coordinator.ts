/**
 * A coordinator of one client, on a real HTTP server: as far as a round of split mode goes, and in
 * pairwise mode up to the adverts, as one client makes no roster.
 */
import { big64, type Bytes, concat, hex, utf8 } from "../../src/bytes.js";
import { readAsk } from "../../src/federation/ask.js";
import { termsOf } from "../../src/federation/terms.js";
import type { Trust } from "../../src/network/api.js";
import { tokenKey } from "../../src/network/proofs.js";
import { decode, type Value } from "../../src/secure/cbor.js";
import { sha256 } from "../../src/secure/crypto.js";
import { leaf } from "../../src/secure/merkle.js";
import type { Terms } from "../../src/secure/messages.js";
import { sid } from "../../src/secure/session.js";
import { toWire } from "../../src/secure/wire.js";
import { makeKey, type KeyPair } from "../../src/store/identity.js";
import { type Answered, type LocalServer, serve } from "../local-server.js";
import { asks, fileOf, models } from "../models/vectors.js";

export interface LocalCoordinator extends LocalServer {
  trust: Trust;
  /** What is asked in the next round, and how its terms are bent. */
  ask: string;
  bend: Partial<Terms>;
  /** Whether the receipt is for another upload. */
  forge: boolean;
  /** Whether reports come too late, after they were stored. */
  lose: boolean;
  /** Whether the same round is offered again. */
  again: boolean;
  /** Requests whose path holds this text wait until they are released. */
  stall: string;
  release(): void;
  reports: Buffer[];
  tokens: Set<string>;
}

/** A single-use enrolment token. */
export const TOKEN = `het_${"A".repeat(42)}E`;

/** The golden ask of a release. */
export const askNamed = (release: string): string =>
  asks.find(({ ask }) => ask.includes(`"name":"${release}"`))!.ask;

/** The file of the golden model that an ask names. */
export const fileFor = async (ask: string): Promise<Uint8Array> => {
  const name = JSON.parse(ask).setting.model;
  for (const told of models) {
    const file = fileOf(told);
    if (hex(await sha256(file)) === name) return file;
  }
  throw new Error("The vectors lack the model of an ask.");
};

const signed = async ({ privateKey }: KeyPair, ...message: Bytes[]): Promise<Bytes> =>
  new Uint8Array(await crypto.subtle.sign("Ed25519", privateKey, concat(...message)));

export async function coordinate(ask: string, model: Uint8Array): Promise<LocalCoordinator> {
  const [authority, coordinator, helper] = [await makeKey(), await makeKey(), await makeKey()];
  const sealing = (await crypto.subtle.generateKey("X25519", true, [
    "deriveBits",
  ])) as CryptoKeyPair;
  const trust = {
    authority: hex(authority.publicKey),
    coordinator: hex(coordinator.publicKey),
    helper: hex(helper.publicKey),
    sealing: hex(new Uint8Array(await crypto.subtle.exportKey("raw", sealing.publicKey))),
  };
  const rounds: { terms: Terms; report?: Buffer }[] = [];

  const certificate = async (key: Bytes): Promise<Bytes> => {
    const root = await leaf(utf8("hedgerow/enrolled/v1\0"), key);
    const batch = concat(utf8("hedgerow/enrolment-batch/v1\0"), big64(1), root);
    const signature = await signed(authority, batch);
    const path = new Uint8Array();
    return toWire("certificate", { key, position: 0, size: 1, path, signature });
  };

  const counted = async ({ terms, report }: { terms: Terms; report?: Buffer }): Promise<Bytes> => {
    const masked = (decode(Uint8Array.from(report!)) as Map<string, Value>).get("masked");
    const digest = await sha256(here.forge ? [0] : (masked as Bytes));
    const [session, uploads] = [await sid(terms), await leaf(digest)];
    const total = new Uint8Array(32);
    const text = utf8("hedgerow/receipt/v1\0");
    const signature = await signed(coordinator, text, session, big64(1), total, uploads);
    const receipt = { session, contributors: 1, total, uploads, signature };
    const inclusion = { position: 0, proof: new Uint8Array() };
    return toWire("counted", { receipt, inclusion, model: new Uint8Array(32).fill(9) });
  };

  const answer = async (method: string, path: string, body: Buffer): Promise<Answered> => {
    const [, , what, round, phase] = path.split(/[/?]/);
    if (here.stall && path.includes(here.stall)) {
      await new Promise<void>((resolve) => (here.release = resolve));
    }
    if (what === "deployment") return { body: { audience: "shop", ...trust } };
    if (what === "token") return { body: { token: "t" } };
    if (what === "models") return { body: model };
    if (what === "enrol") {
      const { token, key } = JSON.parse(String(body));
      const keys = await Promise.all([...here.tokens].map(tokenKey));
      const place = keys.findIndex(({ publicKey }) => hex(publicKey) === token);
      if (!here.tokens.delete([...here.tokens][place]!)) {
        return { status: 403, body: { error: "unknown-token", detail: "It was used." } };
      }
      const given = await certificate(Uint8Array.from(Buffer.from(key, "hex")));
      return { body: { certificate: hex(given) } };
    }
    if (what === "check-in") {
      if (!here.again) {
        const terms = await termsOf(readAsk(utf8(here.ask)), rounds.length);
        rounds.push({ terms: { ...terms, ...here.bend } });
      }
      const { mode } = rounds.at(-1)!.terms;
      const phase = mode === "split" ? "report" : "keys";
      return { body: { round: `${rounds.length - 1}`, phase } };
    }
    const current = rounds[Number(round)]!;
    if (phase === "shares") {
      return { status: 409, body: { error: "too-few", detail: "There is one client." } };
    }
    if (method === "PUT") {
      here.reports.push(body);
      current.report = body;
      return here.lose
        ? { status: 409, body: { error: "wrong-phase", detail: "It is too late." } }
        : { body: { seq: 1, digest: "" } };
    }
    return phase === "done"
      ? { body: await counted(current) }
      : { body: toWire("invitation", { ask: utf8(here.ask), terms: current.terms }) };
  };

  const server = await serve(({ method, path, body }) => answer(method, path, body));
  const here: LocalCoordinator = Object.assign(server, {
    trust,
    ask,
    bend: {},
    forge: false,
    lose: false,
    again: false,
    stall: "",
    release: () => {},
    reports: [],
    tokens: new Set([TOKEN, `het_${"A".repeat(42)}I`]),
  });
  return here;
}
