/** The client's side of split mode: one message, and nothing to come back for. */
import { type Bytes } from "../bytes.js";
import { type Random } from "../noise/stream.js";
import type { Words } from "../noise/ring.js";
import { type Floor } from "./floor.js";
import { type Terms } from "./messages.js";
import { type Identity } from "./session.js";
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
export declare function makeReport(terms: Terms, { coordinator, helper, sealing }: Servers, { signer, certificate }: Identity, words: Words, floor: Floor, random?: Random): Promise<Report>;
