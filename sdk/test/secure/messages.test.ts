import { expect, test } from "vitest";
import { hex, unhex } from "../../src/bytes.js";
import { decode, encode, type Value } from "../../src/secure/cbor.js";
import { Counted, Invitation, Opening, Receipt, Terms } from "../../src/secure/messages.js";
import { fromWire, toWire } from "../../src/secure/wire.js";
import { golden, refusal, termsOf } from "./golden.js";

const split = golden("split.json");
const pairwise = golden("pairwise.json");
const opening = pairwise.clients[0].opening;

const fieldsOf = (encoded: string): Record<string, any> =>
  Object.fromEntries(decode(unhex(encoded)) as Map<string, Value>);

test("messages come back as they were", () => {
  const { type, ...fields } = fieldsOf(opening);
  expect(type).toBe("opening");
  expect(fromWire(Opening, unhex(opening))).toEqual(fields);
  expect(hex(toWire("opening", fields))).toBe(opening);
  const ask = unhex("7b7d");
  const told = { ask, terms: termsOf(split.terms) };
  expect(fromWire(Invitation, toWire("invitation", told))).toEqual(told);
  const receipt = fromWire(Receipt, unhex(split.receipt));
  const inclusion = { position: 2, proof: unhex("") };
  const counted = { receipt, inclusion, model: receipt.total };
  expect(fromWire(Counted, toWire("counted", counted))).toEqual(counted);
});

test.each<[object, string]>([
  [{ type: "closing" }, "bad-message"],
  [{ type: undefined }, "bad-encoding"],
  [{ more: 1 }, "bad-message"],
  [{ clients: -1 }, "bad-message"],
  [{ clients: 2n ** 53n }, "bad-message"],
  [{ clients: "6" }, "bad-message"],
  [{ root: new Uint8Array(31) }, "bad-message"],
  [{ root: "r".repeat(32) }, "bad-message"],
  [{ proof: new Uint8Array(2049) }, "bad-message"],
  [{ proofs: [1] }, "bad-message"],
  [{ proofs: new Uint8Array(2) }, "bad-message"],
  [{ neighbours: null }, "bad-message"],
])("an opening with %o is refused", async (change, code) => {
  const attempt = () => fromWire(Opening, encode({ ...fieldsOf(opening), ...change }));
  expect(await refusal(attempt)).toBe(code);
});

test("an opening without one of its entries, or its type, is refused", async () => {
  for (const name of Object.keys(fieldsOf(opening))) {
    const { [name]: _, ...rest } = fieldsOf(opening);
    expect(await refusal(() => fromWire(Opening, encode(rest)))).toBe("bad-message");
    const moved = encode({ ...rest, other: 1 });
    expect(await refusal(() => fromWire(Opening, moved))).toBe("bad-message");
  }
});

test("a structure inside a message says no type", async () => {
  const receipt = fieldsOf(split.receipt);
  const inclusion = { position: 2, proof: unhex("") };
  const told = toWire("counted", { receipt, inclusion, model: receipt.total });
  expect(await refusal(() => fromWire(Counted, told))).toBe("bad-message");
});

test.each([
  { mode: "none" },
  { words: 1 },
  { bits: 15 },
  { bits: 65 },
  { minimum: 1 },
  { minimum: 6 },
  { mode: "split" },
  { mode: "split", threshold: 0, neighbours: 0 },
  { threshold: 0 },
  { threshold: 5 },
  { neighbours: 5 },
  { neighbours: 3 },
  { clients: 2 ** 20 + 1 },
])("pairwise terms with %o contradict themselves", async (change) => {
  const terms = { ...termsOf(pairwise.terms), ...change };
  expect(await refusal(() => fromWire(Terms, toWire("terms", terms)))).toBe("bad-terms");
});

test.each([{ neighbours: 1 }, { threshold: 1 }, { consistency: true }, { mode: "pairwise" }])(
  "split terms with %o contradict themselves",
  async (change) => {
    const terms = { ...termsOf(split.terms), ...change };
    expect(await refusal(() => fromWire(Terms, toWire("terms", terms)))).toBe("bad-terms");
  },
);
