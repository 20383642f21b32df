// Derives the golden vectors again, with nothing but Node's WebCrypto (Node 20 or newer):
//
//     node protocol/check.mjs [folder of the vectors]
//
// Written from the text of README.md and messages.cddl, apart from the Python implementation.
// Prints one line for each group, and exits with 1 at the first difference.

import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

import { neighbours, pairwiseSession } from "./pairwise.mjs";
import {
  concat,
  decode,
  derive,
  encode,
  hex,
  leaf,
  message,
  open,
  pack,
  proofOf,
  publicOf,
  rootByProof,
  rootOf,
  same,
  seal,
  share,
  sidOf,
  termsOf,
  unhex,
  unpack,
  utf8,
  words,
} from "./primitives.mjs";
import { splitSession } from "./split.mjs";

const folder = process.argv[2] ?? join(dirname(fileURLToPath(import.meta.url)), "vectors");
const load = (name) => JSON.parse(readFileSync(join(folder, name), "utf8"));

const checks = {
  cbor: async ({ value, encoded }) => {
    same(encode(value), encoded, "encoding");
    same(encode(decode(unhex(encoded))), encoded, "decoding");
  },

  ring: async ({ bits, values, packed }) => {
    same(pack(values.map(BigInt), bits), packed, "packing");
    const found = unpack(unhex(packed), values.length, bits);
    same(found.map((word) => String(BigInt.asIntN(bits, word))), values, "unpacking");
  },

  prg: async ({ key, bits, words: expected }) => {
    const found = await words(unhex(key), expected.length, bits);
    same(found.map(String), expected, "words");
  },

  hkdf: async ({ secret, session, purpose, context, key }) => {
    same(await derive(unhex(secret), unhex(session), purpose, unhex(context)), key, "key");
  },

  sid: async ({ terms, encoded, sid }) => {
    same(message("terms", termsOf(terms)), encoded, "terms");
    same(await sidOf(termsOf(terms)), sid, "sid");
  },

  shamir: async ({ threshold, secrets, coefficients, shares }) => {
    const descending = secrets.map((secret, i) => [...coefficients[i], secret].map(unhex));
    same(descending.map((all) => all.length), secrets.map(() => threshold), "coefficients");
    const found = shares.map((_, at) => hex(concat(...descending.map((all) => share(all, at + 1)))));
    same(found, shares, "shares");
  },

  merkle: async ({ entries, root, proofs }) => {
    const leaves = await Promise.all(entries.map((entry) => leaf(unhex(entry))));
    same(await rootOf(leaves), root, "root");
    for (const [at, proof] of proofs.entries()) {
      same(await proofOf(leaves, at), proof, "proof");
      same(await rootByProof(leaves[at], at, leaves.length, unhex(proof)), root, "root by proof");
    }
  },

  hpke: async ({ recipient, public: key, ephemeral, info, plaintext, sealed }) => {
    same(await publicOf(unhex(recipient)), key, "public key");
    same(await open(unhex(recipient), unhex(info), unhex(sealed)), plaintext, "opening");
    const made = await seal(unhex(ephemeral), unhex(key), unhex(info), unhex(plaintext));
    same(made, sealed, "sealing");
  },

  graph: async ({ view, degree, neighbours: expected }) => {
    for (const [position, others] of expected.entries()) {
      same(await neighbours(unhex(view), expected.length, degree, position), others, "neighbours");
    }
  },
};

try {
  for (const [name, examples] of Object.entries(load("primitives.json"))) {
    for (const example of examples) await checks[name](example);
    console.log(`${name}: ${examples.length} as expected`);
  }
  await splitSession(load("split.json"));
  console.log("split session: as expected");
  await pairwiseSession(load("pairwise.json"));
  console.log("pairwise session: as expected");
} catch (error) {
  console.error(String(error.stack ?? error));
  process.exitCode = 1;
}
