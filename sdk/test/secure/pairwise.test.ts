import { describe, expect, test } from "vitest";
import { type Bytes, concat, hex, unhex } from "../../src/bytes.js";
import { encodeRing } from "../../src/noise/ring.js";
import { type Value, decode, encode } from "../../src/secure/cbor.js";
import type { Floor } from "../../src/secure/floor.js";
import { Advert, Answered, Inclusion, Receipt } from "../../src/secure/messages.js";
import { type PairwiseClient, pairwiseClient } from "../../src/secure/pairwise/client.js";
import { answerAgain } from "../../src/secure/pairwise/revealing.js";
import { fromWire } from "../../src/secure/wire.js";
import { examples, given, golden, refusal, signerOf, termsOf } from "./golden.js";

const session = golden("pairwise.json");
const terms = termsOf(session.terms);
const authority = unhex(session.authority);
const floor: Floor = {
  minimum: 3,
  adversaries: 0,
  dropouts: 0.1,
  semiMalicious: false,
  modes: ["pairwise"],
  consistency: true,
};
const stayed = session.clients.filter((client: any) => "masked" in client);
const [first] = stayed;

interface Room {
  readonly client: PairwiseClient;
  readonly records: Bytes[];
  readonly vector: ReturnType<typeof encodeRing>;
}

type Journal = () => Promise<void>;

async function enter(json: any, changes: object = {}, journal?: Journal): Promise<Room> {
  const { certificate } = fromWire(Advert, unhex(json.advert));
  const signer = await signerOf(unhex(json.key));
  const records: Bytes[] = [];
  const client = pairwiseClient(
    { ...terms, ...changes },
    floor,
    { signer, certificate },
    authority,
    journal ?? (async (record) => void records.push(record)),
    given(json.random),
  );
  const values = Float64Array.from(json.values, Number);
  return { client, records, vector: encodeRing(values, terms.bits) };
}

/** A client after some of the steps, each with what it said. */
async function after(json: any, steps: number, journal?: Journal): Promise<Room> {
  const room = await enter(json, {}, journal);
  const { client, vector } = room;
  const walk: [string, () => Promise<Bytes>][] = [
    ["advert", () => client.advertise()],
    ["shares", () => client.share(unhex(json.opening))],
    ["masked", () => client.mask(unhex(json.delivery), vector)],
    ["consent", () => client.consent(unhex(session.survivors))],
    ["reveal", () => client.reveal(unhex(session.survivors), unhex(json.agreement))],
  ];
  for (const [name, step] of walk.slice(0, steps)) expect(hex(await step())).toBe(json[name]);
  return room;
}

/** A message with some of its entries changed. */
function altered(message: string, change: (entries: Record<string, any>) => object): Bytes {
  const entries = Object.fromEntries(decode(unhex(message)) as Map<string, Value>);
  return encode({ ...entries, ...change(entries) });
}

const flipped = (bytes: Bytes, at = 0): Bytes => {
  const out = bytes.slice();
  out[at]! ^= 1;
  return out;
};

describe.each(examples(session.clients))("client $number", (json: any) => {
  test("says all its messages byte for byte", async () => {
    const steps = json === session.clients[3] ? 2 : 5;
    const { client, records } = await after(json, steps);
    if (steps < 5) return;
    const receipt = fromWire(Receipt, unhex(session.receipt));
    const inclusion = fromWire(Inclusion, unhex(json.inclusion));
    const server = (await signerOf(unhex(session.aggregator_key))).publicKey;
    await client.checkReceipt(receipt, inclusion, server);
    const other = { ...inclusion, position: (inclusion.position + 1) % 4 };
    expect(await refusal(() => client.checkReceipt(receipt, other, server))).toBe("bad-receipt");
    expect(records).toHaveLength(1);
    const answered = fromWire(Answered, records[0]!);
    const alive = { alive: unhex("17"), dead: unhex("08") };
    expect(hex(await answerAgain(answered, alive))).toBe(json.reveal);
  });
});

test("the same survivors get the same answer, others none", async () => {
  const { client, records } = await after(first, 5);
  expect(hex(await client.reveal(unhex(session.survivors)))).toBe(first.reveal);
  const others = altered(session.survivors, () => ({ alive: unhex("0f"), dead: unhex("10") }));
  expect(await refusal(() => client.reveal(others))).toBe("already-answered");
  expect(hex(await client.reveal(unhex(session.survivors)))).toBe(first.reveal);
  expect(records).toHaveLength(1);
});

test("a journal that fails keeps the answer in", async () => {
  const { client } = await after(first, 4, () => Promise.reject(new Error("full")));
  const reveal = () => client.reveal(unhex(session.survivors), unhex(first.agreement));
  await expect(reveal()).rejects.toThrow("full");
  expect(await refusal(reveal)).toBe("wrong-step");
});

test("steps have an order, and none is taken twice, not even at once", async () => {
  const { client, vector } = await enter(first);
  const delivery = unhex(first.delivery);
  expect(await refusal(() => client.share(unhex(first.opening)))).toBe("wrong-step");
  expect(await refusal(() => client.mask(delivery, vector))).toBe("wrong-step");
  expect(await refusal(() => client.consent(unhex(session.survivors)))).toBe("wrong-step");
  await client.advertise();
  expect(await refusal(() => client.advertise())).toBe("wrong-step");
  await client.share(unhex(first.opening));
  const twice = [client.mask(delivery, vector), client.mask(delivery, vector)];
  const settled = await Promise.allSettled(twice);
  expect(settled.map(({ status }) => status)).toEqual(["fulfilled", "rejected"]);
  const receipt = fromWire(Receipt, unhex(session.receipt));
  const inclusion = fromWire(Inclusion, unhex(first.inclusion));
  const check = () => client.checkReceipt(receipt, inclusion, authority);
  expect(await refusal(check)).toBe("wrong-step");
});

test.each([
  [{ mode: "split" }, "weak-mode"],
  [{ minimum: 2 }, "weak-minimum"],
  [{ consistency: false }, "weak-consistency"],
  [{ threshold: 1, neighbours: 2, clients: 1000 }, "weak-threshold"],
])("terms with %o are refused", async (changes, code) => {
  expect(await refusal(() => enter(first, changes))).toBe(code);
});

type Entries = Record<string, any>;

test.each<[(opening: Entries) => object, string]>([
  [(o) => ({ position: (o.position + 1) % o.clients }), "bad-proof"],
  [(o) => ({ position: o.clients }), "bad-proof"],
  [(o) => ({ clients: o.clients + 1 }), "bad-roster"],
  [() => ({ clients: 2 }), "bad-roster"],
  [(o) => ({ root: flipped(o.root) }), "bad-proof"],
  [(o) => ({ beacon: flipped(o.beacon) }), "bad-proof"],
  [(o) => ({ proof: o.proof.slice(32) }), "bad-proof"],
  [(o) => ({ neighbours: o.neighbours.slice(1) }), "bad-roster"],
  [(o) => ({ proofs: o.proofs.slice(1) }), "bad-roster"],
  [(o) => ({ neighbours: [...o.neighbours.slice(1), o.neighbours[0]] }), "bad-proof"],
  [() => ({ neighbours: 1 }), "bad-message"],
])("an opening that does not fit is refused (%#)", async (change, code) => {
  const { client } = await after(first, 1);
  expect(await refusal(() => client.share(altered(first.opening, change)))).toBe(code);
});

test.each<[(delivery: Entries) => object, string]>([
  [(d) => ({ sealed: flipped(d.sealed, 50) }), "bad-tag"],
  [(d) => ({ sealed: concat(d.sealed.slice(48), d.sealed.slice(0, 48)) }), "bad-tag"],
  [(d) => ({ sealed: d.sealed.slice(1) }), "bad-delivery"],
  [() => ({ shared: unhex("0f00") }), "bad-bitmap"],
  [() => ({ shared: unhex("1f") }), "bad-bitmap"],
  [() => ({ shared: unhex("") }), "bad-bitmap"],
  [(d) => ({ shared: unhex("03"), sealed: d.sealed.slice(0, 96) }), "too-few-neighbours"],
])("a delivery that does not fit ends the session (%#)", async (change, code) => {
  const { client, vector } = await after(first, 2);
  expect(await refusal(() => client.mask(altered(first.delivery, change), vector))).toBe(code);
  expect(await refusal(() => client.mask(unhex(first.delivery), vector))).toBe("wrong-step");
});

test.each([
  ["1f", "08", "alive-and-dead"],
  ["16", "09", "not-among-survivors"],
  ["03", "1c", "too-few-contributors"],
  ["07", "10", "missing-neighbour"],
  ["07", "18", "too-few-neighbours"],
  ["37", "08", "bad-bitmap"],
  ["17", "0800", "bad-bitmap"],
])("survivors %s with the dead %s get no consent", async (alive, dead, code) => {
  const { client } = await after(first, 3);
  const survivors = encode({ type: "survivors", alive: unhex(alive), dead: unhex(dead) });
  expect(await refusal(() => client.consent(survivors))).toBe(code);
  expect(await refusal(() => client.consent(unhex(session.survivors)))).toBe("wrong-step");
});

test.each<[(agreement: Entries) => object, string]>([
  [(a) => ({ signatures: a.signatures.slice(64) }), "no-agreement"],
  [(a) => ({ signatures: a.signatures.slice(64), signers: unhex("01") }), "no-agreement"],
  [() => ({ signers: unhex("0f"), signatures: new Uint8Array(4 * 64) }), "no-agreement"],
  [(a) => ({ signatures: flipped(a.signatures, 70) }), "bad-signature"],
])("an agreement that does not fit gets no answer (%#)", async (change, code) => {
  const { client, records } = await after(first, 4);
  const agreement = altered(first.agreement, change);
  expect(await refusal(() => client.reveal(unhex(session.survivors), agreement))).toBe(code);
  expect(records).toHaveLength(0);
});

test("without an agreement, or for others than it signed for, a silo does not answer", async () => {
  const others = altered(session.survivors, () => ({ dead: unhex("00") }));
  const agreement = unhex(first.agreement);
  for (const heard of [[unhex(session.survivors)], [others, agreement]] as [Bytes, Bytes?][]) {
    const { client } = await after(first, 4);
    expect(await refusal(() => client.reveal(...heard))).toBe("no-agreement");
  }
});
