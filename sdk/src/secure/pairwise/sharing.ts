/** Steps 0 and 2: a client's keys, and the shares of its secrets for its neighbours. */
import { big64, type Bytes, concat } from "../../bytes.js";
import { insist } from "../../insist.js";
import type { Random } from "../../noise/stream.js";
import { aesGcm, agree, derive, exchangeKey, publicOf } from "../crypto.js";
import type { Opening, Terms } from "../messages.js";
import { advertToSign, checkOpening, type Neighbourhood } from "../roster.js";
import { type Identity, sid } from "../session.js";
import { drawSecret, polynomialOf, SHARE, shareAt } from "../shamir.js";
import { toWire } from "../wire.js";

/** Two shares and a tag. */
export const BOX = 2 * SHARE + 16;

/** What a client keeps from step 0. */
export interface Advertised {
  readonly channel: CryptoKey;
  readonly maskSeed: Bytes;
  readonly advert: Bytes;
}

/** What a client keeps from step 2: its secrets, and the keys to its neighbours' boxes. */
export interface Shared {
  readonly maskSeed: Bytes;
  readonly selfSeed: Bytes;
  readonly near: Neighbourhood;
  readonly boxes: readonly Bytes[];
}

/** The private key of a client's pairwise masks. */
export const maskKey = async (seed: Bytes, session: Bytes): Promise<CryptoKey> =>
  exchangeKey(await derive(seed, session, "mask-key"));

export const pair = (first: number, second: number): Bytes => concat(big64(first), big64(second));

/** What a key between two clients is bound to. */
export const between = ({ view, position }: Neighbourhood, other: number): Bytes =>
  concat(view, pair(Math.min(position, other), Math.max(position, other)));

/** Fresh keys for a session, and what the client says of them. */
export async function advertise(
  terms: Terms,
  { signer, certificate }: Identity,
  random: Random,
): Promise<Advertised> {
  const session = await sid(terms);
  const channel = await exchangeKey(random(32));
  const maskSeed = drawSecret(random);
  const publics = [await publicOf(channel), await publicOf(await maskKey(maskSeed, session))];
  const [channelPublic, mask] = publics as [Bytes, Bytes];
  const toSign = advertToSign(session, certificate.key, channelPublic, mask);
  const signature = await signer.sign(toSign);
  const advert = toWire("advert", { certificate, channel: channelPublic, mask, signature });
  return { channel, maskSeed, advert };
}

/** The boxes for the neighbours that roster and beacon fix. */
export async function share(
  terms: Terms,
  { channel, maskSeed, advert }: Advertised,
  opening: Opening,
  authority: Bytes,
  random: Random,
): Promise<[Shared, Bytes]> {
  const session = await sid(terms);
  const near = await checkOpening(terms, opening, advert, authority);
  const selfSeed = drawSecret(random);
  const polynomials = [selfSeed, maskSeed].map((secret) =>
    polynomialOf(secret, terms.threshold, random),
  );
  const sealed: Bytes[] = [];
  const boxes: Bytes[] = [];
  for (const [i, other] of near.others.entries()) {
    const secret = await agree(channel, near.adverts[i]!.channel);
    const keys = await derive(secret, session, "boxes", between(near, other), 64);
    const halves = [keys.slice(0, 32), keys.slice(32)];
    const [outgoing, incoming] = near.position < other ? halves : halves.reverse();
    boxes.push(incoming!);
    const shares = concat(...polynomials.map((each) => shareAt(each, i + 1)));
    const bound = concat(session, pair(near.position, other));
    sealed.push(await aesGcm("encrypt", outgoing!, shares, bound));
  }
  const message = toWire("shares", { sealed: concat(...sealed) });
  return [{ maskSeed, selfSeed, near, boxes }, message];
}

/** The two shares in a neighbour's box: of its self-mask's seed, then of its mask key's. */
export async function openBox(
  box: Bytes,
  key: Bytes,
  session: Bytes,
  sender: number,
  receiver: number,
): Promise<Bytes> {
  const bound = concat(session, pair(sender, receiver));
  try {
    return await aesGcm("decrypt", key, box, bound);
  } catch {
    return insist(false, "bad-tag") as never;
  }
}
