/** Consent: what the visitor has agreed to, per purpose; nothing until they have. */
import { insist } from "../insist.js";
import { get, put } from "./database.js";

/** What can be agreed to: recommendations here, to help train a model, and to help measure it. */
export const PURPOSES = ["recommend", "train", "measure"] as const;

export type Purpose = (typeof PURPOSES)[number];

/** When something was agreed to, in milliseconds since 1970, and to which version of the text. */
export interface Consent {
  at: number;
  version: string;
}

/** All that is agreed to at one moment. */
export type Consents = Partial<Record<Purpose, Consent>>;

const keyOf = (task: string): string => `consent/${task}`;

export const readConsents = async (transaction: IDBTransaction, task: string): Promise<Consents> =>
  (await get(transaction, "values", keyOf(task))) ?? {};

export const writeConsents = (
  transaction: IDBTransaction,
  task: string,
  consents: Consents,
): Promise<unknown> => put(transaction, "values", consents, keyOf(task));

/** Return whether anything is agreed to that takes a history. */
export const allowsHistory = (consents: Consents): boolean => Object.keys(consents).length > 0;

/**
 * Refuse what nobody agreed to.
 *
 * @throws HedgerowError `no-consent`.
 */
export const requireConsent = (consents: Consents, purpose: Purpose): void =>
  insist(consents[purpose], "no-consent");
