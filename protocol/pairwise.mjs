// Replays the session of pairwise mode. See README.md, "Pairwise mode".

import {
  agree,
  big64,
  bitmap,
  concat,
  decode,
  derive,
  enrolled,
  leaf,
  message,
  modulo,
  pack,
  proofOf,
  publicOf,
  rootOf,
  same,
  sha256,
  share,
  sidOf,
  sign,
  signReceipt,
  termsOf,
  unhex,
  utf8,
  words,
} from "./primitives.mjs";

const { subtle } = globalThis.crypto;
const pair = (a, b) => concat(big64(a), big64(b));
const sorted = (a, b) => (a < b ? [a, b] : [b, a]);

export async function neighbours(view, clients, degree, position) {
  const drawn = await words(await sha256(utf8("hedgerow/graph/v1\0"), view), clients, 64);
  const order = drawn.map((_, i) => i).sort((a, b) => (drawn[a] < drawn[b] ? -1 : 1));
  const place = order.indexOf(position);
  const offsets = Array.from({ length: degree }, (_, i) => {
    if (degree === clients - 1) return i + 1;
    const step = (i >> 1) + 1;
    return i % 2 ? clients - step : step;
  });
  return offsets.map((offset) => order[(place + offset) % clients]);
}

async function box(key, aad, plaintext) {
  const imported = await subtle.importKey("raw", key, "AES-GCM", false, ["encrypt"]);
  const algorithm = { name: "AES-GCM", iv: new Uint8Array(12), additionalData: aad };
  return new Uint8Array(await subtle.encrypt(algorithm, imported, plaintext));
}

export async function pairwiseSession(v) {
  const terms = termsOf(v.terms);
  const session = await sidOf(terms);
  const { words: count, bits, threshold } = terms;
  const clients = [];

  for (const json of v.clients) {
    // Step 0: what a client draws, in order.
    const [channel, maskSeed, selfSeed, ...coefficients] = json.random.map(unhex);
    same(coefficients.length, 2 * (threshold - 1), "coefficients");
    const polynomials = [
      [...coefficients.slice(0, threshold - 1), selfSeed],
      [...coefficients.slice(threshold - 1), maskSeed],
    ];
    const mask = await derive(maskSeed, session, "mask-key");
    const [key, publics] = [unhex(json.key), [await publicOf(channel), await publicOf(mask)]];
    const { certificate } = decode(unhex(json.advert));
    same(await enrolled(certificate, unhex(v.authority)), true, "certificate");
    const toSign = concat(utf8("hedgerow/advert/v1\0"), session, certificate.key, ...publics);
    const signature = await sign(key, toSign);
    const advert = message("advert", {
      certificate, channel: publics[0], mask: publics[1], signature,
    });
    same(advert, json.advert, "advert");
    clients.push({ json, key, channel, mask, publics, selfSeed, polynomials, advert });
  }

  // Step 1: the roster, in the order in which clients joined.
  const size = clients.length;
  const leaves = await Promise.all(clients.map(({ advert }) => leaf(advert)));
  const root = await rootOf(leaves);
  const { beacon } = decode(unhex(clients[0].json.opening));
  const view = await sha256(utf8("hedgerow/view/v1\0"), session, big64(size), root, beacon);
  for (const [position, client] of clients.entries()) {
    client.others = await neighbours(view, size, Math.min(terms.neighbours, size - 1), position);
    const opening = {
      clients: size,
      root,
      beacon,
      position,
      proof: await proofOf(leaves, position),
      neighbours: client.others.map((other) => clients[other].advert),
      proofs: await Promise.all(client.others.map((other) => proofOf(leaves, other))),
    };
    same(message("opening", opening), client.json.opening, "opening");
  }

  // Step 2: a box of two shares for each neighbour.
  for (const [position, client] of clients.entries()) {
    client.told = new Map();
    for (const [at, other] of client.others.entries()) {
      const secret = await agree(client.channel, clients[other].publics[0]);
      const context = concat(view, pair(...sorted(position, other)));
      const keys = await derive(secret, session, "boxes", context, 64);
      const key = position < other ? keys.slice(0, 32) : keys.slice(32);
      const shares = client.polynomials.map((descending) => share(descending, at + 1));
      const sealed = await box(key, concat(session, pair(position, other)), concat(...shares));
      client.told.set(other, { shares, sealed });
    }
    const sealed = concat(...client.others.map((other) => client.told.get(other).sealed));
    same(message("shares", { sealed }), client.json.shares, "shares");
  }

  // Steps 3 and 4: everyone made shares, and those who stay send their vectors.
  const alive = clients.map(({ json }) => "masked" in json);
  const digests = [];
  let plain = Array.from({ length: count - 1 }, () => 0n);
  for (const [position, client] of clients.entries()) {
    if (!alive[position]) continue;
    const delivery = {
      shared: bitmap(client.others.map(() => true)),
      sealed: concat(...client.others.map((other) => clients[other].told.get(position).sealed)),
    };
    same(message("delivery", delivery), client.json.delivery, "delivery");
    const values = client.json.values.map(BigInt);
    let vector = [...values, 1n];
    const add = async (key, sign) => {
      const mask = await words(key, count, bits);
      vector = vector.map((value, i) => modulo(value + sign * mask[i], bits));
    };
    await add(await derive(client.selfSeed, session, "self-mask"), 1n);
    for (const other of client.others) {
      const secret = await agree(client.mask, clients[other].publics[1]);
      const context = concat(view, pair(...sorted(position, other)));
      const key = await derive(secret, session, "pair-mask", context);
      await add(key, position < other ? 1n : -1n);
    }
    const packed = pack(vector, bits);
    digests.push(await sha256(packed));
    const toSign = concat(utf8("hedgerow/upload/v1\0"), view, big64(position), digests.at(-1));
    const masked = { words: packed, signature: await sign(client.key, toSign) };
    same(message("masked", masked), client.json.masked, "masked");
    plain = plain.map((sum, i) => sum + values[i]);
  }

  // Step 5: who survived, and their consent.
  const survivors = { alive: bitmap(alive), dead: bitmap(alive.map((member) => !member)) };
  same(message("survivors", survivors), v.survivors, "survivors");
  const asked = await sha256(survivors.alive, survivors.dead);
  for (const client of clients.filter((_, position) => alive[position])) {
    client.consent = await sign(client.key, concat(utf8("hedgerow/consent/v1\0"), view, asked));
    same(message("consent", { signature: client.consent }), client.json.consent, "consent");
  }

  // Step 6: the neighbours' consent, and one share for each of them.
  for (const [position, client] of clients.entries()) {
    if (!alive[position]) continue;
    const near = client.others.filter((other) => alive[other]).slice(0, threshold);
    const agreement = {
      signers: bitmap(client.others.map((other) => near.includes(other))),
      signatures: concat(...near.map((other) => clients[other].consent)),
    };
    same(message("agreement", agreement), client.json.agreement, "agreement");
    const held = client.others.map((other) => clients[other].told.get(position).shares);
    const shares = concat(...held.map(([self, mask], i) => (alive[client.others[i]] ? self : mask)));
    same(message("reveal", { shares }), client.json.reveal, "reveal");
  }

  // Step 7: the sum and its receipt.
  same(plain.map(String), v.sums, "sum");
  const total = await sha256(pack([...plain, BigInt(digests.length)], bits));
  const receipt = await signReceipt(unhex(v.aggregator_key), session, total, digests);
  same(message("receipt", receipt), v.receipt, "receipt");
}
