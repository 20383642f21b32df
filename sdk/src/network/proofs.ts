/** What a client signs with its key to enrol and to log in, each under a text of its own. */
import { big64, type Bytes, concat, utf8 } from "../bytes.js";

/** Return what a client signs to enrol: that it holds a key (32 bytes), for the token's deployment. */
export const enrolmentProof = async (token: string, key: Bytes): Promise<Bytes> => {
  const digest = await crypto.subtle.digest("SHA-256", utf8(token));
  return concat(utf8("hedgerow/enrolment-proof/v1\0"), new Uint8Array(digest), key);
};

/**
 * Return what a client signs to log in.
 *
 * @param audience the deployment, so that no other can use the signature.
 * @param timestamp milliseconds since 1970; later than at the client's last login.
 * @param scopes what the client will do, in ascending order.
 */
export const loginProof = (audience: string, timestamp: number, scopes: string[]): Bytes => {
  const named = utf8(audience);
  const wanted = utf8(scopes.join(" "));
  return concat(
    utf8("hedgerow/login/v1\0"),
    big64(named.length),
    named,
    big64(timestamp),
    big64(wanted.length),
    wanted,
  );
};
