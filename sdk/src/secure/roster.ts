/** Who takes part in a session, committed to by one hash that all clients must have been shown. */
import { big64, type Bytes, equal, hex, labelled } from "../bytes.js";
import { insist } from "../insist.js";
import { sha256, verify } from "./crypto.js";
import { neighboursOf } from "./graph.js";
import { leaf, rootOf } from "./merkle.js";
import { Advert, type Opening, type Terms } from "./messages.js";
import { checkCertificate, sid } from "./session.js";
import { fromWire } from "./wire.js";

/** What a client has checked about the roster. */
export interface Neighbourhood {
  /** The hash of what it was shown. */
  readonly view: Bytes;
  readonly clients: number;
  readonly position: number;
  /** Its neighbours' positions, in order, and their adverts. */
  readonly others: readonly number[];
  readonly adverts: readonly Advert[];
}

/** What a client signs about its keys in a session. */
export const advertToSign = (session: Bytes, key: Bytes, channel: Bytes, mask: Bytes): Bytes =>
  labelled("advert", session, key, channel, mask);

/**
 * A client's neighbours, if they are those that roster and beacon fix: `bad-proof`, `bad-roster`,
 * `repeated-key`, `bad-certificate`, `bad-signature`. The size has been checked against the floor.
 */
export async function checkOpening(
  terms: Terms,
  opening: Opening,
  own: Bytes,
  authority: Bytes,
): Promise<Neighbourhood> {
  const { clients, root, beacon, position, proof, neighbours, proofs } = opening;
  const checkPlace = async (advert: Bytes, at: number, path: Bytes): Promise<void> => {
    insist(equal(await rootOf(await leaf(advert), at, clients, path), root), "bad-proof");
  };
  await checkPlace(own, position, proof);
  const session = await sid(terms);
  const view = await sha256(labelled("view", session, big64(clients), root, beacon));
  const degree = Math.min(terms.neighbours, clients - 1);
  const others = await neighboursOf(view, clients, degree, position);
  insist(neighbours.length === degree && proofs.length === degree, "bad-roster");
  const adverts: Advert[] = [];
  for (const [i, at] of others.entries()) {
    await checkPlace(neighbours[i]!, at, proofs[i]!);
    adverts.push(fromWire(Advert, neighbours[i]!));
  }
  checkDistinct([...adverts, fromWire(Advert, own)]);
  for (const { certificate, channel, mask, signature } of adverts) {
    await checkCertificate(certificate, authority);
    const { key } = certificate;
    await verify(key, advertToSign(session, key, channel, mask), signature);
  }
  return { view, clients, position, others, adverts };
}

function checkDistinct(adverts: readonly Advert[]): void {
  const keys = new Set(adverts.map(({ certificate }) => hex(certificate.key)));
  const exchanged = new Set(adverts.flatMap(({ channel, mask }) => [hex(channel), hex(mask)]));
  insist(keys.size + exchanged.size === 3 * adverts.length, "repeated-key");
}
