/** HPKE (RFC 9180), base mode, single-shot: DHKEM(X25519), HKDF-SHA256, AES-128-GCM. */
import { type Bytes, concat, utf8 } from "../bytes.js";
import type { Random } from "../noise/stream.js";
import { aesGcm, agree, exchangeKey, hkdf, publicOf } from "./crypto.js";

const NONE = new Uint8Array();
const KEM = /* @__PURE__ */ concat(utf8("KEM"), [0, 0x20]);
const HPKE = /* @__PURE__ */ concat(utf8("HPKE"), [0, 0x20, 0, 1, 0, 1]);

const labelled = (suite: Bytes, label: string, data: Bytes): Bytes =>
  concat(utf8("HPKE-v1"), suite, utf8(label), data);

/** LabeledExtract and LabeledExpand of section 4 at once, which is one HKDF. */
const derived = (
  suite: Bytes,
  salt: Bytes,
  material: Bytes,
  label: string,
  context: Bytes,
  length: number,
): Promise<Bytes> =>
  hkdf(material, salt, concat([0, length], labelled(suite, label, context)), length);

/** LabeledExtract of section 4 with no salt. */
async function extract(label: string, material: Bytes): Promise<ArrayBuffer> {
  const algorithm = { name: "HMAC", hash: "SHA-256" };
  const zeros = new Uint8Array(32);
  const key = await crypto.subtle.importKey("raw", zeros, algorithm, false, ["sign"]);
  return crypto.subtle.sign("HMAC", key, labelled(HPKE, label, material));
}

/** A plaintext that only the recipient (an X25519 key) can read, given the same information. */
export async function seal(
  plaintext: Bytes,
  recipient: Bytes,
  info: Bytes,
  random: Random,
): Promise<Bytes> {
  const ephemeral = await exchangeKey(random(32));
  const encapsulated = await publicOf(ephemeral);
  const secret = labelled(KEM, "eae_prk", await agree(ephemeral, recipient));
  const both = concat(encapsulated, recipient);
  const shared = await derived(KEM, NONE, secret, "shared_secret", both, 32);
  const context = concat(
    [0],
    new Uint8Array(await extract("psk_id_hash", NONE)),
    new Uint8Array(await extract("info_hash", info)),
  );
  const material = labelled(HPKE, "secret", NONE);
  const key = await derived(HPKE, shared, material, "key", context, 16);
  const nonce = await derived(HPKE, shared, material, "base_nonce", context, 12);
  return concat(encapsulated, await aesGcm("encrypt", key, plaintext, NONE, nonce));
}
