/** What a client signs with its key to enrol and to log in, each under a text of its own. */
import { type Bytes } from "../bytes.js";
/** Return what a client signs to enrol: that it holds a key (32 bytes), for the token's deployment. */
export declare const enrolmentProof: (token: string, key: Bytes) => Promise<Bytes>;
/**
 * Return what a client signs to log in.
 *
 * @param audience the deployment, so that no other can use the signature.
 * @param timestamp milliseconds since 1970; later than at the client's last login.
 * @param scopes what the client will do, in ascending order.
 */
export declare const loginProof: (audience: string, timestamp: number, scopes: string[]) => Bytes;
