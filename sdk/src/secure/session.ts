/** What one secured sum is called, who is in it, and what was counted. */
import { big64, type Bytes, equal, labelled } from "../bytes.js";
import { insist } from "../insist.js";
import { sha256, type Signer, verify } from "./crypto.js";
import { leaf, rootOf } from "./merkle.js";
import type { Certificate, Inclusion, Receipt, Terms } from "./messages.js";
import { toWire } from "./wire.js";

/** A client's enrolled key. */
export interface Identity {
  readonly signer: Signer;
  readonly certificate: Certificate;
}

/** The name of a session: a hash of all its terms. */
export const sid = (terms: Terms): Promise<Bytes> =>
  sha256(labelled("session", toWire("terms", terms)));

/** Refuses a certificate that the authority (an Ed25519 key) did not give. */
export async function checkCertificate(certificate: Certificate, authority: Bytes): Promise<void> {
  const { key, position, size, path, signature } = certificate;
  const entry = await leaf(labelled("enrolled", key));
  const root = await rootOf(entry, position, size, path);
  const batch = labelled("enrolment-batch", big64(size), root);
  await verify(authority, batch, signature, "bad-certificate");
}

/** Refuses a receipt that does not say that an upload, by its digest, is in the session's sum. */
export async function checkReceipt(
  receipt: Receipt,
  inclusion: Inclusion,
  server: Bytes,
  session: Bytes,
  digest: Bytes,
): Promise<void> {
  const { contributors, total, uploads, signature } = receipt;
  const counted = labelled("receipt", receipt.session, big64(contributors), total, uploads);
  await verify(server, counted, signature);
  const entry = await leaf(digest);
  const found = await rootOf(entry, inclusion.position, contributors, inclusion.proof);
  insist(equal(receipt.session, session) && equal(found, uploads), "bad-receipt");
}
