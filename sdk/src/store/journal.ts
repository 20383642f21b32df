/** The journal of contributions: none is ever in two sums, whatever crashes between. */
import { type Bytes, equal } from "../bytes.js";
import { insist } from "../insist.js";
import type { Report } from "../secure/split.js";
import { type Database, result, trim } from "./database.js";
import type { Answer, Released, Sent, Stage } from "./records.js";

const RANK: Record<Stage, number> = { started: 0, masked: 1, revealed: 2, reported: 2 };

/** The most notes on sent messages that are kept for the visitor to see. */
const MOST_SENT = 1000;

/**
 * Note, before anything is sent, that a release is answered in a session, and charge it once.
 *
 * @throws HedgerowError `answered-before`: in another session that may have been opened.
 *   `other-release`: it was tried before for another purpose or with other noise.
 */
export const claim = async (
  transaction: IDBTransaction,
  { release, purpose, cost, session, stage }: Omit<Released, "at" | "answers"> & Omit<Answer, "at">,
): Promise<void> => {
  const store = transaction.objectStore("releases");
  const found: Released | undefined = await result(store.get(release));
  const known = found?.cost;
  const same =
    found?.purpose === purpose &&
    known?.mechanism === cost?.mechanism &&
    known?.multiplier === cost?.multiplier;
  insist(!found || same, "other-release");
  const at = Date.now();
  const answers = found?.answers ?? [];
  insist(!answeredElsewhere(answers, session), "answered-before");
  const own = answers.find((answer) => answer.session === session);
  if (!own) answers.push({ session, stage, at });
  else raise(own, stage);
  // Of several sessions, the release is charged as the costliest.
  const charged = cost &&
    known && {
      ...cost,
      sensitivity: Math.min(known.sensitivity, cost.sensitivity),
      size: Math.max(known.size, cost.size),
      clients: Math.max(known.clients, cost.clients),
    };
  await result(
    store.put({ release, purpose, at: found?.at ?? at, cost: charged || cost, answers }),
  );
};

/**
 * Note that a sum may be opened from now on, before what opens it is sent.
 *
 * @param record what is about to be sent, of which there is one in a session.
 * @throws HedgerowError `not-claimed`, `answered-before`, or `already-answered`: with another record.
 */
export const settle = async (
  transaction: IDBTransaction,
  release: string,
  session: string,
  stage: Stage,
  record?: Bytes,
): Promise<void> => {
  const store = transaction.objectStore("releases");
  const found: Released | undefined = await result(store.get(release));
  const own = found?.answers.find((answer) => answer.session === session);
  insist(found && own, "not-claimed");
  insist(!answeredElsewhere(found.answers, session), "answered-before");
  insist(!own.record || !record || equal(own.record, record), "already-answered");
  raise(own, stage);
  if (record) own.record = record;
  await result(store.put(found));
};

/** Return the report that was about to be sent in a session; undefined where there is none. */
export const keptReport = (database: Database, session: string): Promise<Report | undefined> =>
  database.run(["outgoing"], "readonly", (transaction) =>
    result(transaction.objectStore("outgoing").get(session)),
  );

/**
 * Keep a report before it is sent, so that after a crash the same bytes are sent again. Those of
 * earlier sessions are let go of.
 *
 * @throws HedgerowError `already-sent`: another is kept for the session.
 */
export const keepReport = async (
  transaction: IDBTransaction,
  session: string,
  report: Report,
): Promise<void> => {
  const store = transaction.objectStore("outgoing");
  insist(!(await result(store.count(session))), "already-sent");
  store.clear();
  await result(store.put(report, session));
};

/** Let go of a session's report, once the round is over. */
export const dropReport = (database: Database, session: string): Promise<unknown> =>
  database.run(["outgoing"], "readwrite", (transaction) =>
    result(transaction.objectStore("outgoing").delete(session)),
  );

/** Note for the visitor that a message is about to leave. */
export const noteSent = async (transaction: IDBTransaction, sent: Sent): Promise<void> => {
  const store = transaction.objectStore("sent");
  await result(store.add(sent));
  await trim(store, MOST_SENT);
};

const answeredElsewhere = (answers: Answer[], session: string): boolean =>
  answers.some((answer) => answer.session !== session && answer.stage !== "started");

const raise = (answer: Answer, stage: Stage): void => {
  if (RANK[stage] > RANK[answer.stage]) answer.stage = stage;
  answer.at = Date.now();
};
