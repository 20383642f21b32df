/** What a client signs with its key to enrol and to log in, each under a text of its own. */
import { big64, type Bytes, concat, unhex, utf8 } from "../bytes.js";
import { insist } from "../insist.js";
import type { KeyPair } from "../store/identity.js";

/** What stands before the 32 bytes of an Ed25519 key in PKCS 8 (RFC 8410). */
const PKCS8 = /* @__PURE__ */ unhex("302e020100300506032b657004220420");

/**
 * Return the signing key that a single-use enrolment token is; the token itself is never sent.
 *
 * @throws HedgerowError `unknown-token`: it does not look like one.
 */
export const tokenKey = async (token: string): Promise<KeyPair> => {
  insist(/^het_[\w-]{43}$/.test(token), "unknown-token");
  const key = concat(PKCS8, unbase64(token.slice(4)));
  const privateKey = await crypto.subtle.importKey("pkcs8", key, "Ed25519", true, ["sign"]);
  const { x } = await crypto.subtle.exportKey("jwk", privateKey);
  return { privateKey, publicKey: unbase64(x!) };
};

/** The bytes of base64 in its form for URLs (RFC 4648). */
const unbase64 = (text: string): Bytes =>
  Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (byte) => byte.charCodeAt(0));

/** Return what is signed to enrol, by a client's key and by the token; their public halves. */
export const enrolmentProof = (token: Bytes, key: Bytes): Bytes =>
  concat(utf8("hedgerow/enrolment-proof/v2\0"), token, key);

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
