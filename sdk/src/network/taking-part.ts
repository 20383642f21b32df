/** Taking part in a round: from the invitation to the receipt. */
import type { Part } from "../background/messages.js";
import { breathe } from "../breathe.js";
import { type Bytes, equal, hex } from "../bytes.js";
import { type Ask, readAsk } from "../federation/ask.js";
import { clientWords, stepOf } from "../federation/contribute.js";
import { termsOf } from "../federation/terms.js";
import { foldOf, historyOf } from "../models/history.js";
import { insist } from "../insist.js";
import { readModel } from "../models/model.js";
import type { Words } from "../noise/ring.js";
import { secretStream } from "../noise/stream.js";
import { sha256 } from "../secure/crypto.js";
import type { Floor } from "../secure/floor.js";
import {
  Counted,
  type Inclusion,
  Invitation,
  type Receipt,
  type Terms,
} from "../secure/messages.js";
import { pairwiseClient } from "../secure/pairwise/client.js";
import { checkReceipt, type Identity, sid } from "../secure/session.js";
import { makeReport, type Servers } from "../secure/split.js";
import { fromWire, toWire } from "../secure/wire.js";
import type { Database } from "../store/database.js";
import { readHistory } from "../store/history.js";
import { dropReport, keepReport, keptReport, noteSent } from "../store/journal.js";
import { keepModelFile, readModelFile } from "../store/models.js";
import type { Api } from "./api.js";
import type { Conscience } from "./conscience.js";

/** A member, as rounds know it. */
export interface Taker {
  api: Api;
  database: Database;
  conscience: Conscience;
  identity: Identity;
  /** Public keys that the shop pinned. */
  authority: Bytes;
  servers: Servers;
  signal: AbortSignal;
}

/** One round's secured sum, on which both sides agree. */
interface Sum {
  round: string;
  ask: Ask;
  terms: Terms;
  floor: Floor;
  session: Bytes;
}

/**
 * Contribute to a round once.
 *
 * @throws HedgerowError This browser refuses, or the round has failed, or the coordinator is away.
 */
export const takePart = async (
  taker: Taker,
  { round, phase }: { round: string; phase: string },
): Promise<Part> => {
  const { api, conscience, database, servers } = taker;
  const { ask: json, terms } = fromWire(Invitation, await api.told(round, phase));
  const asked = readAsk(json);
  const { ask } = asked;
  const expected = await termsOf(asked, terms.attempt);
  insist(equal(toWire("terms", expected), toWire("terms", terms)), "bad-terms");
  const floor = await conscience.agree(ask, terms);
  const words = await compute(taker, ask);
  const session = await sid(terms);
  await conscience.claim(ask, session);
  const sum = { round, ask, terms, floor, session };
  let bytes = 0;
  const send = async (kind: string, body: Bytes): Promise<void> => {
    bytes += body.length;
    await noteSent(database, { kind, bytes: body.length, at: Date.now(), round });
    await api.send(round, kind, body);
  };
  const check =
    phase === "report"
      ? await report(taker, sum, words, send)
      : await pairwise(taker, sum, words, send);
  const { receipt, inclusion, model } = fromWire(Counted, await api.told(round, "done"));
  await check(receipt, inclusion, servers.coordinator);
  return {
    release: ask.setting.noise.name,
    purpose: ask.purpose,
    session: hex(session),
    model: hex(model),
    bytes,
  };
};

/** Return what this browser contributes, through the one door; in parts, as a page may wait. */
const compute = async (taker: Taker, ask: Ask): Promise<Words> => {
  const { database, signal } = taker;
  const model = readModel(await modelFile(taker, ask.setting.model));
  await turn(signal);
  const seen = await database.run(["history"], "readonly", readHistory);
  const fold = foldOf(historyOf(model, seen), ask.held_out);
  const step = stepOf(ask, model);
  await turn(signal);
  const words = await clientWords(step, fold, ask.setting, secretStream);
  await turn(signal);
  return words;
};

/** Let the page go on, and end here if it says so. */
const turn = async (signal: AbortSignal): Promise<void> => {
  await breathe();
  signal.throwIfAborted();
};

/** Return a model's file by its hash, of which it is made sure. */
const modelFile = async ({ api, database }: Taker, name: string): Promise<Bytes> => {
  const kept = await readModelFile(database, name);
  if (kept) return kept;
  const body = await api.model(name);
  insist(hex(await sha256(body)) === name, "other-model");
  await keepModelFile(database, name, body);
  return body;
};

type Send = (kind: string, body: Bytes) => Promise<void>;

/** Refuses a receipt that does not count what was sent. */
type Check = (receipt: Receipt, inclusion: Inclusion, server: Bytes) => Promise<void>;

const report = async (
  { database, identity, servers }: Taker,
  { terms, floor, session }: Sum,
  words: Words,
  send: Send,
): Promise<Check> => {
  const name = hex(session);
  let kept = await keptReport(database, name);
  if (!kept) {
    kept = await makeReport(terms, servers, identity, words, floor);
    await keepReport(database, name, kept);
  }
  await send("report", kept.message);
  const { digest } = kept;
  return async (receipt, inclusion, server) => {
    await dropReport(database, name);
    await checkReceipt(receipt, inclusion, server, session, digest);
  };
};

const pairwise = async (
  { api, conscience, identity, authority }: Taker,
  { round, ask, terms, floor, session }: Sum,
  words: Words,
  send: Send,
): Promise<Check> => {
  const journal = (answer: Bytes): Promise<void> => conscience.record(ask, session, answer);
  const client = pairwiseClient(terms, floor, identity, authority, journal);
  await send("advert", await client.advertise());
  await send("shares", await client.share(await api.told(round, "shares")));
  const masked = await client.mask(await api.told(round, "masked"), words);
  await conscience.commit(ask, session);
  await send("masked", masked);
  if (terms.consistency) {
    const survivors = await api.told(round, "consent");
    await send("consent", await client.consent(survivors));
    await send("reveal", await client.reveal(survivors, await api.told(round, "unmask")));
  } else {
    await send("reveal", await client.reveal(await api.told(round, "unmask")));
  }
  return client.checkReceipt;
};
