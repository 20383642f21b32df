/** Taking part in a round: from the invitation to the receipt. */
import type { Part } from "../background/messages.js";
import { breathe } from "../breathe.js";
import { type Bytes, equal, hex } from "../bytes.js";
import { type Ask, readAsk } from "../federation/ask.js";
import { clientWords, stepOf } from "../federation/contribute.js";
import { termsOf } from "../federation/terms.js";
import { foldOf, historyOf } from "../models/history.js";
import { insist } from "../insist.js";
import { type Model, readModel } from "../models/model.js";
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
import type { Database, Name } from "../store/database.js";
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
  /** The last round's model, by its hash: a step's attempts, norms and measure have the same. */
  last: { name?: string; model?: Model };
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
  const session = await sid(terms);
  const sum = { round, ask, terms, floor, session };
  let bytes = 0;
  const send: Send = async (kind, body, note) => {
    bytes += body.length;
    const stores: Name[] = ["values", "releases", "outgoing", "sent"];
    await database.run(stores, "readwrite", async (transaction) => {
      await note?.(transaction);
      await noteSent(transaction, { kind, bytes: body.length, at: Date.now(), round });
    });
    await api.send(round, kind, body);
  };
  const check = await (phase === "report" ? report : pairwise)(taker, sum, send);
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
  const model = await modelNamed(taker, ask.setting.model);
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

const modelNamed = async (taker: Taker, name: string): Promise<Model> => {
  const { last } = taker;
  if (last.name !== name || !last.model) {
    last.model = readModel(await modelFile(taker, name));
    last.name = name;
  }
  return last.model;
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

/** Notes, lastingly and at one moment with what else there is to note, what is then sent. */
type Send = (
  kind: string,
  body: Bytes,
  note?: (transaction: IDBTransaction) => Promise<void>,
) => Promise<void>;

/** Refuses a receipt that does not count what was sent. */
type Check = (receipt: Receipt, inclusion: Inclusion, server: Bytes) => Promise<void>;

const report = async (
  taker: Taker,
  { ask, terms, floor, session }: Sum,
  send: Send,
): Promise<Check> => {
  const { conscience, database, identity, servers } = taker;
  const name = hex(session);
  const kept = await keptReport(database, name);
  const made =
    kept ?? (await makeReport(terms, servers, identity, await compute(taker, ask), floor));
  const { message, digest } = made;
  await send("report", message, async (transaction) => {
    await conscience.claim(transaction, ask, session);
    if (!kept) await keepReport(transaction, name, made);
  });
  return async (receipt, inclusion, server) => {
    await dropReport(database, name);
    await checkReceipt(receipt, inclusion, server, session, digest);
  };
};

const pairwise = async (
  taker: Taker,
  { round, ask, terms, floor, session }: Sum,
  send: Send,
): Promise<Check> => {
  const { api, conscience, identity, authority } = taker;
  const words = await compute(taker, ask);
  const journal = (answer: Bytes): Promise<void> => conscience.record(ask, session, answer);
  const client = pairwiseClient(terms, floor, identity, authority, journal);
  await send("advert", await client.advertise(), (transaction) =>
    conscience.claim(transaction, ask, session),
  );
  await send("shares", await client.share(await api.told(round, "shares")));
  const masked = await client.mask(await api.told(round, "masked"), words);
  await send("masked", masked, (transaction) => conscience.commit(transaction, ask, session));
  if (terms.consistency) {
    const survivors = await api.told(round, "consent");
    await send("consent", await client.consent(survivors));
    await send("reveal", await client.reveal(survivors, await api.told(round, "unmask")));
  } else {
    await send("reveal", await client.reveal(await api.told(round, "unmask")));
  }
  return client.checkReceipt;
};
