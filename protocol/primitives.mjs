// What the sessions are built of, with WebCrypto alone. See README.md, "Building blocks".

const { subtle } = globalThis.crypto;

// --- bytes ---------------------------------------------------------------------------------------

export const utf8 = (text) => new TextEncoder().encode(text);
export const hex = (bytes) => Buffer.from(bytes).toString("hex");
export const unhex = (text) => new Uint8Array(Buffer.from(text, "hex"));
export const concat = (...parts) => new Uint8Array(Buffer.concat(parts.map((p) => Buffer.from(p))));
export const big64 = (value) => {
  const out = new Uint8Array(8);
  new DataView(out.buffer).setBigUint64(0, BigInt(value));
  return out;
};

export function same(found, expected, what) {
  const [a, b] = [found, expected].map((v) => (v instanceof Uint8Array ? hex(v) : v));
  if (JSON.stringify(a) !== JSON.stringify(b)) {
    throw new Error(`${what}:\n  expected ${JSON.stringify(b)}\n  found    ${JSON.stringify(a)}`);
  }
}

// --- deterministic CBOR (RFC 8949, 4.2.1) ----------------------------------------------------------

export function head(major, value) {
  const n = BigInt(value);
  const top = major << 5;
  if (n < 24n) return Uint8Array.of(top | Number(n));
  const [code, size] = n < 1n << 8n ? [24, 1] : n < 1n << 16n ? [25, 2] : n < 1n << 32n ? [26, 4] : [27, 8];
  return concat([top | code], big64(n).slice(8 - size));
}

export function encode(value) {
  if (value === false) return Uint8Array.of(0xf4);
  if (value === true) return Uint8Array.of(0xf5);
  if (value === null) return Uint8Array.of(0xf6);
  if (typeof value === "number" || typeof value === "bigint") {
    const n = BigInt(value);
    return n >= 0n ? head(0, n) : head(1, -1n - n);
  }
  if (typeof value === "string") return concat(head(3, utf8(value).length), utf8(value));
  if (value instanceof Uint8Array) return concat(head(2, value.length), value);
  if (Array.isArray(value)) return concat(head(4, value.length), ...value.map(encode));
  const pairs = Object.entries(value).map(([key, item]) => [encode(key), encode(item)]);
  pairs.sort(([a], [b]) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
  return concat(head(5, pairs.length), ...pairs.flat());
}

export function decode(bytes) {
  let at = 0;
  const argument = (short) => {
    if (short < 24) return short;
    const size = 1 << (short - 24);
    let n = 0n;
    for (const byte of bytes.slice(at, (at += size))) n = (n << 8n) | BigInt(byte);
    return n < 1n << 53n ? Number(n) : n;
  };
  const read = () => {
    const first = bytes[at++];
    const [major, n] = [first >> 5, argument(first & 31)];
    if (major === 0) return n;
    if (major === 1) return -1 - n;
    if (major === 2) return bytes.slice(at, (at += n));
    if (major === 3) return new TextDecoder().decode(bytes.slice(at, (at += n)));
    if (major === 4) return Array.from({ length: n }, read);
    if (major === 5) return Object.fromEntries(Array.from({ length: n }, () => [read(), read()]));
    return { 20: false, 21: true, 22: null }[n];
  };
  const value = read();
  same(encode(value), bytes, "a message that is not canonical");
  return value;
}

// --- primitives ------------------------------------------------------------------------------------

export const sha256 = async (...parts) =>
  new Uint8Array(await subtle.digest("SHA-256", concat(...parts)));

export async function hmac(key, ...parts) {
  const algorithm = { name: "HMAC", hash: "SHA-256" };
  const imported = await subtle.importKey("raw", key, algorithm, false, ["sign"]);
  return new Uint8Array(await subtle.sign("HMAC", imported, concat(...parts)));
}

export async function derive(secret, session, purpose, context = new Uint8Array(), length = 32) {
  const info = concat(utf8("hedgerow/derive/v1\0"), utf8(purpose), [0], context);
  const key = await subtle.importKey("raw", secret, "HKDF", false, ["deriveBits"]);
  const algorithm = { name: "HKDF", hash: "SHA-256", salt: session, info };
  return new Uint8Array(await subtle.deriveBits(algorithm, key, 8 * length));
}

export const bytesOfWord = (bits) => (bits <= 16 ? 2 : bits <= 32 ? 4 : 8);

export async function words(key, count, bits) {
  const size = bytesOfWord(bits);
  const imported = await subtle.importKey("raw", key, "AES-CTR", false, ["encrypt"]);
  const algorithm = { name: "AES-CTR", counter: new Uint8Array(16), length: 64 };
  const stream = new Uint8Array(await subtle.encrypt(algorithm, imported, new Uint8Array(count * size)));
  return Array.from({ length: count }, (_, i) => {
    const word = stream.slice(i * size, (i + 1) * size);
    return word.reduceRight((value, byte) => (value << 8n) | BigInt(byte), 0n);
  });
}

export const modulo = (value, bits) => BigInt.asUintN(bits, value);

export function pack(values, bits) {
  let all = 0n;
  values.forEach((value, i) => (all |= modulo(value, bits) << BigInt(i * bits)));
  const length = Math.ceil((values.length * bits) / 8);
  return Uint8Array.from({ length }, (_, i) => Number((all >> BigInt(8 * i)) & 255n));
}

export function unpack(bytes, count, bits) {
  const all = bytes.reduceRight((value, byte) => (value << 8n) | BigInt(byte), 0n);
  return Array.from({ length: count }, (_, i) => modulo(all >> BigInt(i * bits), bits));
}

export const ed25519Prefix = unhex("302e020100300506032b657004220420");
export const x25519Prefix = unhex("302e020100300506032b656e04220420");

export async function sign(key, message) {
  const imported = await subtle.importKey("pkcs8", concat(ed25519Prefix, key), "Ed25519", false, ["sign"]);
  return new Uint8Array(await subtle.sign("Ed25519", imported, message));
}

export async function verify(key, message, signature) {
  const imported = await subtle.importKey("raw", key, "Ed25519", false, ["verify"]);
  return subtle.verify("Ed25519", imported, signature, message);
}

export async function agree(secret, key) {
  const own = await subtle.importKey("pkcs8", concat(x25519Prefix, secret), "X25519", false, ["deriveBits"]);
  const other = await subtle.importKey("raw", key, "X25519", false, []);
  return new Uint8Array(await subtle.deriveBits({ name: "X25519", public: other }, own, 256));
}

export const basePoint = Uint8Array.from({ length: 32 }, (_, i) => (i === 0 ? 9 : 0));
export const publicOf = (secret) => agree(secret, basePoint);

export const bitmap = (members) => pack(members.map((member) => (member ? 1n : 0n)), 1);

// Evaluates a polynomial, given as bytes from the highest coefficient down, at x.
export function share(descending, x) {
  const prime = (1n << 128n) - 159n;
  const integer = (bytes) => bytes.reduceRight((n, byte) => (n << 8n) | BigInt(byte), 0n);
  const value = descending.map(integer).reduce((sum, c) => (sum * BigInt(x) + c) % prime, 0n);
  return pack([value], 128);
}

// --- Merkle trees (RFC 9162, 2.1) --------------------------------------------------------------------

export const leaf = (...parts) => sha256([0], ...parts);

export async function rootOf(leaves) {
  if (leaves.length === 1) return leaves[0];
  let half = 1;
  while (half * 2 < leaves.length) half *= 2;
  return sha256([1], await rootOf(leaves.slice(0, half)), await rootOf(leaves.slice(half)));
}

export async function proofOf(leaves, position) {
  if (leaves.length === 1) return new Uint8Array();
  let half = 1;
  while (half * 2 < leaves.length) half *= 2;
  const [left, right] = [leaves.slice(0, half), leaves.slice(half)];
  return position < half
    ? concat(await proofOf(left, position), await rootOf(right))
    : concat(await proofOf(right, position - half), await rootOf(left));
}

export async function rootByProof(entry, position, size, proof) {
  let [found, last, at] = [entry, size - 1, 0];
  for (; last > 0; last >>= 1, position >>= 1) {
    if ((position ^ 1) > last) continue;
    const sibling = proof.slice(at, (at += 32));
    found = position & 1 ? await sha256([1], sibling, found) : await sha256([1], found, sibling);
  }
  same(at, proof.length, "the length of a proof");
  return found;
}

// --- HPKE, base mode, single-shot (RFC 9180) ----------------------------------------------------------

export const kemSuite = concat(utf8("KEM"), [0x00, 0x20]);
export const hpkeSuite = concat(utf8("HPKE"), [0x00, 0x20, 0x00, 0x01, 0x00, 0x01]);
export const extract = (suite, salt, label, material) =>
  hmac(salt.length ? salt : new Uint8Array(32), utf8("HPKE-v1"), suite, utf8(label), material);
export const expand = async (suite, key, label, info, length) =>
  (await hmac(key, [0, length], utf8("HPKE-v1"), suite, utf8(label), info, [1])).slice(0, length);

export async function hpkeKey(dh, encapsulated, recipient, info, usage) {
  const none = new Uint8Array();
  const eae = await extract(kemSuite, none, "eae_prk", dh);
  const shared = await expand(kemSuite, eae, "shared_secret", concat(encapsulated, recipient), 32);
  const context = concat(
    [0],
    await extract(hpkeSuite, none, "psk_id_hash", none),
    await extract(hpkeSuite, none, "info_hash", info),
  );
  const secret = await extract(hpkeSuite, shared, "secret", none);
  const key = await expand(hpkeSuite, secret, "key", context, 16);
  const iv = await expand(hpkeSuite, secret, "base_nonce", context, 12);
  return [{ name: "AES-GCM", iv }, await subtle.importKey("raw", key, "AES-GCM", false, [usage])];
}

export async function open(secret, info, sealed) {
  const encapsulated = sealed.slice(0, 32);
  const dh = await agree(secret, encapsulated);
  const keyed = await hpkeKey(dh, encapsulated, await publicOf(secret), info, "decrypt");
  return new Uint8Array(await subtle.decrypt(...keyed, sealed.slice(32)));
}

export async function seal(ephemeral, recipient, info, plaintext) {
  const encapsulated = await publicOf(ephemeral);
  const dh = await agree(ephemeral, recipient);
  const keyed = await hpkeKey(dh, encapsulated, recipient, info, "encrypt");
  return concat(encapsulated, new Uint8Array(await subtle.encrypt(...keyed, plaintext)));
}

// --- what both modes share --------------------------------------------------------------------------

export const termsOf = (json) => ({ ...json, model: unhex(json.model), config: unhex(json.config) });
export const message = (type, fields) => encode({ type, ...fields });
export const sidOf = (terms) => sha256(utf8("hedgerow/session/v1\0"), message("terms", terms));

export async function enrolled(certificate, authority) {
  const { key, position, size, path, signature } = certificate;
  const entry = await leaf(utf8("hedgerow/enrolled/v1\0"), key);
  const root = await rootByProof(entry, position, size, path);
  const batch = concat(utf8("hedgerow/enrolment-batch/v1\0"), big64(size), root);
  return verify(authority, batch, signature);
}

export async function signReceipt(key, session, total, digests) {
  const uploads = await rootOf(await Promise.all(digests.map((digest) => leaf(digest))));
  const receipt = { session, contributors: digests.length, total, uploads };
  const toSign = concat(
    utf8("hedgerow/receipt/v1\0"), session, big64(digests.length), total, uploads,
  );
  return { ...receipt, signature: await sign(key, toSign) };
}

// JSON has no integers of 64 bits; differences are shown as text.
BigInt.prototype.toJSON = function () {
  return String(this);
};
