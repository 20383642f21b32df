/** What a client signs with its key to enrol and to log in, each under a text of its own. */
import { type Bytes } from "../bytes.js";
import type { KeyPair } from "../store/identity.js";
/**
 * Return the signing key that a single-use enrolment token is; the token itself is never sent.
 *
 * @throws HedgerowError `unknown-token`: it does not look like one.
 */
export declare const tokenKey: (token: string) => Promise<KeyPair>;
/** Return what is signed to enrol, by a client's key and by the token; their public halves. */
export declare const enrolmentProof: (token: Bytes, key: Bytes) => Bytes;
/**
 * Return what a client signs to log in.
 *
 * @param audience the deployment, so that no other can use the signature.
 * @param timestamp milliseconds since 1970; later than at the client's last login.
 * @param scopes what the client will do, in ascending order.
 */
export declare const loginProof: (audience: string, timestamp: number, scopes: string[]) => Bytes;
