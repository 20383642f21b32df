/** The journal of contributions: none is ever in two sums, whatever crashes between. */
import { type Bytes, equal } from "../bytes.js";
import { insist } from "../insist.js";
import type { Report } from "../secure/split.js";
import { type Database, get, put, result, trim } from "./database.js";

/** From `masked` on a sum may be opened, so the same release is answered in no other session. */
export type Stage = "started" | "masked" | "revealed" | "reported";

/** What a release costs the privacy of those in it, as the accountant needs to know it. */
export interface Cost {
  mechanism: "gaussian" | "skellam";
  multiplier: number;
  sensitivity: number;
  size: number;
  clients: number;
}

/** How far a release was answered in one session; times in milliseconds since 1970. */
export interface Answer {
  session: string;
  stage: Stage;
  at: number;
  record?: Bytes;
}

/** How a release is found. */
export interface Named {
  /** The authority's public key, in hexadecimal: other deployments have releases of the same names. */
  deployment: string;
  release: string;
}

/** A release that this browser has answered or begun to; no cost where nothing is promised. */
export interface Released extends Named {
  purpose: string;
  at: number;
  cost: Cost | null;
  answers: Answer[];
}

/** A message that left this browser. */
export interface Sent {
  kind: string;
  bytes: number;
  at: number;
  round: string;
}

/** A report, and in which session it is sent. */
interface Outgoing extends Report {
  session: string;
}

/** A release, and in which session it is answered. */
type Answering = Named & Pick<Answer, "session">;

const RANK: Record<Stage, number> = { started: 0, masked: 1, revealed: 2, reported: 2 };

/** The most notes on sent messages that are kept for the visitor to see. */
const MOST_SENT = 1000;

/**
 * Return the run of a release: `task/0` of `task/0/2/norms`. A further attempt, `task/0/2~1`, is of
 * a run of its own, `task/0~1`: the sum that is said to have failed may have been opened nevertheless.
 */
export const runOf = ({ deployment, release }: Named): string => {
  const [name, attempt] = release.split("~", 2);
  return [deployment, ...name!.split("/", 2), attempt].join("/");
};

export const readReleases = (transaction: IDBTransaction): Promise<Released[]> =>
  result(transaction.objectStore("releases").getAll());

export const readSent = (transaction: IDBTransaction): Promise<Sent[]> =>
  result(transaction.objectStore("sent").getAll());

/**
 * Note, before a history is opened, that a release is answered in a session, and charge it once.
 *
 * @throws HedgerowError `answered-before`: in another session that may have been opened.
 *   `other-release`: it was tried before for another purpose or with other noise.
 */
export const claim = async (
  transaction: IDBTransaction,
  { deployment, release, session, purpose, cost }: Answering & Pick<Released, "purpose" | "cost">,
): Promise<void> => {
  const found = await releaseOf(transaction, { deployment, release });
  const known = found?.cost;
  const same =
    found?.purpose === purpose &&
    known?.mechanism === cost?.mechanism &&
    known?.multiplier === cost?.multiplier;
  insist(!found || same, "other-release");
  const at = Date.now();
  const answers = found?.answers ?? [];
  insist(!answeredElsewhere(answers, session), "answered-before");
  if (!answers.some((answer) => answer.session === session)) {
    answers.push({ session, stage: "started", at });
  }
  // Of several sessions, the release is charged as the costliest.
  const charged = cost &&
    known && {
      ...cost,
      sensitivity: Math.min(known.sensitivity, cost.sensitivity),
      size: Math.max(known.size, cost.size),
      clients: Math.max(known.clients, cost.clients),
    };
  const whole = { deployment, release, purpose, at: found?.at ?? at, cost: charged || cost, answers };
  await put(transaction, "releases", whole);
};

/**
 * Note that a sum may be opened from now on, before what opens it is sent.
 *
 * @param record what is about to be sent, of which there is one in a session.
 * @throws HedgerowError `not-claimed`, `answered-before`, or `already-answered`: with another record.
 */
export const settle = async (
  transaction: IDBTransaction,
  answering: Answering,
  stage: Stage,
  record?: Bytes,
): Promise<void> => {
  const { session } = answering;
  const found = await releaseOf(transaction, answering);
  const own = found?.answers.find((answer) => answer.session === session);
  insist(found && own, "not-claimed");
  insist(!answeredElsewhere(found.answers, session), "answered-before");
  insist(!own.record || !record || equal(own.record, record), "already-answered");
  if (RANK[stage] > RANK[own.stage]) own.stage = stage;
  own.at = Date.now();
  if (record) own.record = record;
  await put(transaction, "releases", found);
};

/** Return a task's report that was about to be sent in a session; undefined where there is none. */
export const keptReport = (
  database: Database,
  task: string,
  session: string,
): Promise<Report | undefined> =>
  database.run(["outgoing"], "readonly", async (transaction) => {
    const found = await outgoing(transaction, task);
    return found?.session === session ? found : undefined;
  });

/**
 * Keep a report before it is sent, so that after a crash the same bytes are sent again. That of the
 * task's session before is let go of.
 *
 * @throws HedgerowError `already-sent`: another is kept for the session.
 */
export const keepReport = async (
  transaction: IDBTransaction,
  task: string,
  session: string,
  report: Report,
): Promise<void> => {
  insist((await outgoing(transaction, task))?.session !== session, "already-sent");
  await put(transaction, "outgoing", { ...report, session }, task);
};

/** Let go of a task's report, once the round is over. */
export const dropReport = (database: Database, task: string): Promise<unknown> =>
  database.run(["outgoing"], "readwrite", (transaction) =>
    result(transaction.objectStore("outgoing").delete(task)),
  );

/** Note for the visitor that a message is about to leave. */
export const noteSent = async (transaction: IDBTransaction, sent: Sent): Promise<void> => {
  await put(transaction, "sent", sent);
  await trim(transaction.objectStore("sent"), MOST_SENT);
};

const releaseOf = (
  transaction: IDBTransaction,
  { deployment, release }: Named,
): Promise<Released | undefined> => get(transaction, "releases", [deployment, release]);

const outgoing = (transaction: IDBTransaction, task: string): Promise<Outgoing | undefined> =>
  get(transaction, "outgoing", task);

const answeredElsewhere = (answers: Answer[], session: string): boolean =>
  answers.some((answer) => answer.session !== session && answer.stage !== "started");
