/** A server that shows a client another roster than there is. */
import { expect, test } from "vitest";
import { big64, type Bytes, concat, unhex, utf8 } from "../../src/bytes.js";
import { sha256 } from "../../src/secure/crypto.js";
import type { Floor } from "../../src/secure/floor.js";
import { neighboursOf } from "../../src/secure/graph.js";
import { leaf } from "../../src/secure/merkle.js";
import { Advert, Opening } from "../../src/secure/messages.js";
import { pairwiseClient } from "../../src/secure/pairwise/client.js";
import { advertToSign } from "../../src/secure/roster.js";
import { sid } from "../../src/secure/session.js";
import { fromWire, toWire } from "../../src/secure/wire.js";
import { given, golden, refusal, signerOf, termsOf } from "./golden.js";

// Trees by another hand.
const independent = "../../../protocol/primitives.mjs";
const { proofOf, rootOf } = await import(/* @vite-ignore */ independent);

const session = golden("pairwise.json");
const terms = termsOf(session.terms);
const own = 0;
const [client] = session.clients;
const adverts = session.clients.map(({ advert }: any) => fromWire(Advert, unhex(advert)));
const floor: Floor = {
  minimum: 3,
  adversaries: 0,
  dropouts: 0.1,
  semiMalicious: false,
  modes: ["pairwise"],
  consistency: true,
};

/** An opening of a tree in which the advert at one position is another. */
async function forged(position: number, advert: object): Promise<Bytes> {
  const shown = adverts.map((each: Advert, at: number) =>
    toWire("advert", at === position ? advert : each),
  );
  const leaves: Bytes[] = await Promise.all(shown.map((each: Bytes) => leaf(each)));
  const honest = fromWire(Opening, unhex(client.opening));
  const root = new Uint8Array(await rootOf(leaves));
  const domain = utf8("hedgerow/view/v1\0");
  const view = await sha256(domain, await sid(terms), big64(5), root, honest.beacon);
  const others = await neighboursOf(view, 5, 4, own);
  const proofs = await Promise.all(others.map((at) => proofOf(leaves, at)));
  return toWire("opening", {
    ...honest,
    root,
    proof: await proofOf(leaves, own),
    neighbours: others.map((at) => shown[at]),
    proofs,
  });
}

async function shares(opening: Bytes): Promise<Bytes> {
  const identity = {
    signer: await signerOf(unhex(client.key)),
    certificate: adverts[own].certificate,
  };
  const authority = unhex(session.authority);
  const random = given(client.random);
  const member = pairwiseClient(terms, floor, identity, authority, async () => {}, random);
  await member.advertise();
  return member.share(opening);
}

/** An advert of the client at a position for other keys, signed by whoever it is. */
async function signed(position: number, channel: Bytes, mask: Bytes, by = position) {
  const signer = await signerOf(unhex(session.clients[by].key));
  const { certificate } = adverts[position];
  const message = advertToSign(await sid(terms), certificate.key, channel, mask);
  return { certificate, channel, mask, signature: await signer.sign(message) };
}

test("an honest roster is taken", async () => {
  expect(await forged(2, adverts[2])).toEqual(unhex(client.opening));
  expect(await shares(await forged(2, adverts[2]))).toEqual(unhex(client.shares));
});

test("a client that another authority enrolled is refused", async () => {
  const signer = await signerOf(unhex(session.aggregator_key));
  const { key } = adverts[2].certificate;
  const root = await leaf(utf8("hedgerow/enrolled/v1\0"), key);
  const batch = concat(utf8("hedgerow/enrolment-batch/v1\0"), big64(1), root);
  const signature = await signer.sign(batch);
  const certificate = { key, position: 0, size: 1, path: new Uint8Array(), signature };
  const opening = await forged(2, { ...adverts[2], certificate });
  expect(await refusal(() => shares(opening))).toBe("bad-certificate");
});

test("keys that a client did not sign are refused", async () => {
  const mask = new Uint8Array(32).fill(7);
  const swapped = await forged(1, { ...adverts[1], mask });
  expect(await refusal(() => shares(swapped))).toBe("bad-signature");
  const another = await forged(1, await signed(1, adverts[1].channel, mask, 4));
  expect(await refusal(() => shares(another))).toBe("bad-signature");
});

test("one client cannot stand for two, nor share a key with another", async () => {
  const { channel, mask } = adverts[3];
  const fresh = new Uint8Array(32).fill(9);
  for (const advert of [
    adverts[3],
    adverts[own],
    await signed(2, fresh, mask),
    await signed(2, channel, fresh),
    await signed(2, mask, fresh),
    await signed(2, fresh, fresh),
    await signed(2, fresh, adverts[own].mask),
  ]) {
    expect(await refusal(async () => shares(await forged(2, advert)))).toBe("repeated-key");
  }
});

test("a key that makes no secret is refused", async () => {
  const advert = await signed(3, new Uint8Array(32), new Uint8Array(32).fill(5));
  expect(await refusal(async () => shares(await forged(3, advert)))).toBe("bad-key");
});
