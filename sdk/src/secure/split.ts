/** The client's side of split mode: one message, and nothing to come back for. */
import { type Bytes, labelled } from "../bytes.js";
import { insist } from "../insist.js";
import { type Random, randomBytes } from "../noise/stream.js";
import type { Words } from "../noise/ring.js";
import { encode } from "./cbor.js";
import { derive, sha256 } from "./crypto.js";
import { checkSum, type Floor } from "./floor.js";
import { seal } from "./hpke.js";
import { maskVector } from "./masks.js";
import { SPLIT, type Terms } from "./messages.js";
import { type Identity, sid } from "./session.js";
import { toWire } from "./wire.js";

/** The two servers' public keys, which a client has from its maker: Ed25519, and X25519 to seal. */
export interface Servers {
  readonly coordinator: Bytes;
  readonly helper: Bytes;
  readonly sealing: Bytes;
}

/** What is sent, and the digest that the receipt has to count. */
export interface Report {
  readonly message: Bytes;
  readonly digest: Bytes;
}

/**
 * A client's masked vector, with the mask's seed sealed to the helper. To try again after a lost
 * connection, send the same message; another one is refused.
 */
export async function makeReport(
  terms: Terms,
  { coordinator, helper, sealing }: Servers,
  { signer, certificate }: Identity,
  words: Words,
  floor: Floor,
  random: Random = randomBytes,
): Promise<Report> {
  insist(terms.mode === SPLIT, "weak-mode");
  checkSum(floor, terms);
  const session = await sid(terms);
  const name = encode([terms.task, terms.round, certificate.key]);
  const report = await sha256(labelled("split/report", name));
  const seed = random(32);
  const key = await derive(seed, session, "split mask");
  const { masked, digest } = await maskVector(terms, words, [[key, 1]]);
  const servers = toWire("servers", { coordinator, helper, sealing });
  const sealed = await seal(
    toWire("seed", { session, report, seed }),
    sealing,
    labelled("split/sealed", encode([session, report, servers])),
    random,
  );
  const envelope = { session, report, digest, sealed };
  const toSign = labelled("split/signed", toWire("envelope", envelope));
  const signed = { envelope, certificate, signature: await signer.sign(toSign) };
  return { message: toWire("report", { signed, masked }), digest };
}
