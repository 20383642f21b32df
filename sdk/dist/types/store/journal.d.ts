/** The journal of contributions: none is ever in two sums, whatever crashes between. */
import { type Bytes } from "../bytes.js";
import type { Report } from "../secure/split.js";
import { type Database } from "./database.js";
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
/** A release, and in which session it is answered. */
type Answering = Named & Pick<Answer, "session">;
/**
 * Return the run of a release: `task/0` of `task/0/2/norms`. A further attempt, `task/0/2~1`, is of
 * a run of its own, `task/0~1`: the sum that is said to have failed may have been opened nevertheless.
 */
export declare const runOf: ({ deployment, release }: Named) => string;
export declare const readReleases: (transaction: IDBTransaction) => Promise<Released[]>;
export declare const readSent: (transaction: IDBTransaction) => Promise<Sent[]>;
/**
 * Note, before a history is opened, that a release is answered in a session, and charge it once.
 *
 * @throws HedgerowError `answered-before`: in another session that may have been opened.
 *   `other-release`: it was tried before for another purpose or with other noise.
 */
export declare const claim: (transaction: IDBTransaction, { deployment, release, session, purpose, cost }: Answering & Pick<Released, "purpose" | "cost">) => Promise<void>;
/**
 * Note that a sum may be opened from now on, before what opens it is sent.
 *
 * @param record what is about to be sent, of which there is one in a session.
 * @throws HedgerowError `not-claimed`, `answered-before`, or `already-answered`: with another record.
 */
export declare const settle: (transaction: IDBTransaction, answering: Answering, stage: Stage, record?: Bytes) => Promise<void>;
/** Return a task's report that was about to be sent in a session; undefined where there is none. */
export declare const keptReport: (database: Database, task: string, session: string) => Promise<Report | undefined>;
/**
 * Keep a report before it is sent, so that after a crash the same bytes are sent again. That of the
 * task's session before is let go of.
 *
 * @throws HedgerowError `already-sent`: another is kept for the session.
 */
export declare const keepReport: (transaction: IDBTransaction, task: string, session: string, report: Report) => Promise<void>;
/** Let go of a task's report, once the round is over. */
export declare const dropReport: (database: Database, task: string) => Promise<unknown>;
/** Note for the visitor that a message is about to leave. */
export declare const noteSent: (transaction: IDBTransaction, sent: Sent) => Promise<void>;
export {};
