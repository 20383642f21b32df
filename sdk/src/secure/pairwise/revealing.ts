/** Steps 5 and 6: a client checks who survived and gives one share for each neighbour, once. */
import { type Bytes, concat, equal, labelled } from "../../bytes.js";
import { insist } from "../../insist.js";
import { fromBitmap } from "../bitmap.js";
import { sha256, verify } from "../crypto.js";
import type { Agreement, Answered, Survivors, Terms } from "../messages.js";
import { sid } from "../session.js";
import { SHARE } from "../shamir.js";
import { toWire } from "../wire.js";
import type { Uploaded } from "./uploading.js";

/** The hash by which one set of survivors is told from another. */
export const requestOf = ({ alive, dead }: Survivors): Promise<Bytes> => sha256(alive, dead);

/** What a client signs about the survivors. */
export const consentToSign = (view: Bytes, request: Bytes): Bytes =>
  labelled("consent", view, request);

/** Who is alive, if the sets can be true and are safe to answer. */
export function checkSurvivors(
  { minimum, threshold }: Terms,
  { near: { clients, position }, held }: Uploaded,
  survivors: Survivors,
): Set<number> {
  const alive = fromBitmap(survivors.alive, clients);
  const dead = fromBitmap(survivors.dead, clients);
  insist(![...alive].some((at) => dead.has(at)), "alive-and-dead");
  insist(alive.has(position), "not-among-survivors");
  insist(alive.size >= minimum, "too-few-contributors");
  insist(held.every((at) => alive.has(at) || dead.has(at)), "missing-neighbour");
  insist(held.filter((at) => alive.has(at)).length >= threshold, "too-few-neighbours");
  return alive;
}

/** Refuses survivors for which fewer than the threshold of surviving neighbours have signed. */
export async function checkAgreement(
  { threshold }: Terms,
  { near: { view, clients, others, adverts } }: Uploaded,
  survivors: Survivors,
  { signers, signatures }: Agreement,
): Promise<void> {
  const alive = fromBitmap(survivors.alive, clients);
  const signed = [...fromBitmap(signers, others.length)];
  const enough = signed.length >= threshold && signed.every((i) => alive.has(others[i]!));
  insist(enough && signatures.length === 64 * signed.length, "no-agreement");
  const message = consentToSign(view, await requestOf(survivors));
  for (const [at, i] of signed.entries()) {
    const signature = signatures.subarray(64 * at, 64 * at + 64);
    await verify(adverts[i]!.certificate.key, message, signature);
  }
}

/** One share for each neighbour whose shares are held, never two. */
export async function answer(
  terms: Terms,
  kept: Uploaded,
  survivors: Survivors,
): Promise<Answered> {
  const alive = checkSurvivors(terms, kept, survivors);
  const told = kept.shares.map((both, at) =>
    alive.has(kept.held[at]!) ? both.subarray(0, SHARE) : both.subarray(SHARE),
  );
  const [session, request] = [await sid(terms), await requestOf(survivors)];
  return { session, request, shares: concat(...told) };
}

/** The `reveal` of an answer, to the survivors it was given for; others get `already-answered`. */
export async function answerAgain(answered: Answered, survivors: Survivors): Promise<Bytes> {
  insist(equal(await requestOf(survivors), answered.request), "already-answered");
  return toWire("reveal", { shares: answered.shares });
}
