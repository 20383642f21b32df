/** Step 4: a client opens its neighbours' boxes and masks its vector. */
import { big64, type Bytes, labelled } from "../../bytes.js";
import { insist } from "../../insist.js";
import type { Words } from "../../noise/ring.js";
import { fromBitmap } from "../bitmap.js";
import { agree, derive } from "../crypto.js";
import { type Mask, maskVector } from "../masks.js";
import type { Delivery, Terms } from "../messages.js";
import type { Neighbourhood } from "../roster.js";
import { type Identity, sid } from "../session.js";
import { toWire } from "../wire.js";
import { between, BOX, maskKey, openBox, type Shared } from "./sharing.js";

/** What a client keeps from step 4: nothing that tells its own vector or masks. */
export interface Uploaded {
  readonly near: Neighbourhood;
  /** The neighbours whose shares it holds, and those, 32 bytes each. */
  readonly held: readonly number[];
  readonly shares: readonly Bytes[];
  /** SHA-256 of its masked vector. */
  readonly digest: Bytes;
}

/**
 * A client's masked vector: `too-few-neighbours`, `bad-delivery`, `bad-bitmap`, `bad-tag`,
 * `bad-key`, `bad-vector`.
 */
export async function mask(
  terms: Terms,
  { maskSeed, selfSeed, near, boxes }: Shared,
  delivery: Delivery,
  words: Words,
  { signer }: Identity,
): Promise<[Uploaded, Bytes]> {
  const { position, others, adverts } = near;
  const shared = [...fromBitmap(delivery.shared, others.length)];
  insist(shared.length >= terms.threshold, "too-few-neighbours");
  insist(delivery.sealed.length === shared.length * BOX, "bad-delivery");
  const session = await sid(terms);
  const shares: Bytes[] = [];
  for (const [at, i] of shared.entries()) {
    const box = delivery.sealed.subarray(at * BOX, (at + 1) * BOX);
    shares.push(await openBox(box, boxes[i]!, session, others[i]!, position));
  }
  const masks: Mask[] = [[await derive(selfSeed, session, "self-mask"), 1]];
  const own = await maskKey(maskSeed, session);
  for (const i of shared) {
    const secret = await agree(own, adverts[i]!.mask);
    const key = await derive(secret, session, "pair-mask", between(near, others[i]!));
    // The lower position adds and the higher takes away, so that both vanish in a sum.
    masks.push([key, position < others[i]! ? 1 : -1]);
  }
  const { masked, digest } = await maskVector(terms, words, masks);
  const toSign = labelled("upload", near.view, big64(position), digest);
  const message = toWire("masked", { words: masked, signature: await signer.sign(toSign) });
  return [{ near, held: shared.map((i) => others[i]!), shares, digest }, message];
}
