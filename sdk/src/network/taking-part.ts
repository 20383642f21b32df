/** Taking part in a round: from the invitation to the receipt. */
import type { Part } from "../background/messages.js";
import { breathe } from "../breathe.js";
import { type Bytes, equal, hex } from "../bytes.js";
import { type Ask, readAsk } from "../federation/ask.js";
import { clientWords, stepOf } from "../federation/contribute.js";
import { termsOf } from "../federation/terms.js";
import { type Fold, foldOf, historyOf } from "../models/history.js";
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
  SPLIT,
  type Terms,
} from "../secure/messages.js";
import { pairwiseClient } from "../secure/pairwise/client.js";
import { checkReceipt, type Identity, sid } from "../secure/session.js";
import { makeReport, type Report, type Servers } from "../secure/split.js";
import { fromWire, toWire } from "../secure/wire.js";
import type { Database, Name } from "../store/database.js";
import { readHistory } from "../store/history.js";
import { dropReport, keepReport, keptReport, noteSent } from "../store/journal.js";
import { keepModelFile, readModelFile } from "../store/models.js";
import type { Api } from "./api.js";
import type { Conscience } from "./conscience.js";
import { pause, untilRung } from "./pause.js";

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
  /** Told why a contribution is empty. */
  failed(why: unknown): void;
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
  const check = await (terms.mode === SPLIT ? report : pairwise)(taker, sum, send);
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

/**
 * Claim and charge a release, and return what computes this browser's contribution, through the one
 * door. All that is public was checked before; once the history is opened, nothing but the end of
 * this page, or of the visitor's consent, keeps a contribution from being sent.
 */
const claimed = async (taker: Taker, { ask, session }: Sum): Promise<() => Promise<Words>> => {
  const { conscience, database, signal, failed } = taker;
  const model = await modelNamed(taker, ask.setting.model);
  const step = stepOf(ask, model);
  await turn(signal);
  await conscience.claim(ask, session);
  const open = async (): Promise<Fold> => {
    const seen = await database.run(["history"], "readonly", (transaction) =>
      readHistory(transaction, ask.task),
    );
    // In parts, as a page may wait.
    await turn(signal);
    return foldOf(historyOf(model, seen), ask.held_out);
  };
  return async () => {
    const opened = performance.now();
    const words = await clientWords(step, open, ask.setting, secretStream, failed);
    await pause(untilRung((performance.now() - opened) / 1000), signal);
    return words;
  };
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
  sum: Sum,
  send: Send,
): Promise<Check> => {
  const { conscience, database, identity, servers } = taker;
  const { ask, terms, floor, session } = sum;
  const { task } = ask;
  const name = hex(session);
  const kept = await keptReport(database, task, name);
  const make = async (): Promise<Report> => {
    const words = await (await claimed(taker, sum))();
    return makeReport(terms, servers, identity, words, floor);
  };
  const made = kept ?? (await make());
  const { message, digest } = made;
  await send("report", message, async (transaction) => {
    await conscience.commit(transaction, ask, session);
    if (!kept) await keepReport(transaction, task, name, made);
  });
  return async (receipt, inclusion, server) => {
    await dropReport(database, task);
    await checkReceipt(receipt, inclusion, server, session, digest);
  };
};

const pairwise = async (
  taker: Taker,
  sum: Sum,
  send: Send,
): Promise<Check> => {
  const { api, conscience, identity, authority } = taker;
  const { round, ask, terms, floor, session } = sum;
  const journal = (answer: Bytes): Promise<void> => conscience.record(ask, session, answer);
  const client = pairwiseClient(terms, floor, identity, authority, journal);
  const compute = await claimed(taker, sum);
  await send("advert", await client.advertise());
  // Meanwhile others send theirs; nothing is asked or sent before a rung.
  const words = await compute();
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
