/** HPKE (RFC 9180), base mode, single-shot: DHKEM(X25519), HKDF-SHA256, AES-128-GCM. */
import { type Bytes } from "../bytes.js";
import type { Random } from "../noise/stream.js";
/** A plaintext that only the recipient (an X25519 key) can read, given the same information. */
export declare function seal(plaintext: Bytes, recipient: Bytes, info: Bytes, random: Random): Promise<Bytes>;
