/** What one secured sum is called, who is in it, and what was counted. */
import { type Bytes } from "../bytes.js";
import { type Signer } from "./crypto.js";
import type { Certificate, Inclusion, Receipt, Terms } from "./messages.js";
/** A client's enrolled key. */
export interface Identity {
    readonly signer: Signer;
    readonly certificate: Certificate;
}
/** The name of a session: a hash of all its terms. */
export declare const sid: (terms: Terms) => Promise<Bytes>;
/** Refuses a certificate that the authority (an Ed25519 key) did not give. */
export declare function checkCertificate(certificate: Certificate, authority: Bytes): Promise<void>;
/** Refuses a receipt that does not say that an upload, by its digest, is in the session's sum. */
export declare function checkReceipt(receipt: Receipt, inclusion: Inclusion, server: Bytes, session: Bytes, digest: Bytes): Promise<void>;
