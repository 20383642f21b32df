/** What can be agreed to: recommendations here, to help train a model, and to help measure it. */
export declare const PURPOSES: readonly ["recommend", "train", "measure"];
export type Purpose = (typeof PURPOSES)[number];
/** When something was agreed to, in milliseconds since 1970, and to which version of the text. */
export interface Consent {
    at: number;
    version: string;
}
/** All that is agreed to at one moment. */
export type Consents = Partial<Record<Purpose, Consent>>;
export declare const readConsents: (transaction: IDBTransaction, task: string) => Promise<Consents>;
export declare const writeConsents: (transaction: IDBTransaction, task: string, consents: Consents) => Promise<unknown>;
/** Return whether anything is agreed to that takes a history. */
export declare const allowsHistory: (consents: Consents) => boolean;
/**
 * Refuse what nobody agreed to.
 *
 * @throws HedgerowError `no-consent`.
 */
export declare const requireConsent: (consents: Consents, purpose: Purpose) => void;
