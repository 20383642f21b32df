/** What the journal holds, for whoever reads it. */
import type { Bytes } from "../bytes.js";
import { result } from "./database.js";

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

/** A release that this browser has answered or begun to; no cost where nothing is promised. */
export interface Released {
  release: string;
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

export const readReleases = (transaction: IDBTransaction): Promise<Released[]> =>
  result(transaction.objectStore("releases").getAll());

export const readSent = (transaction: IDBTransaction): Promise<Sent[]> =>
  result(transaction.objectStore("sent").getAll());
