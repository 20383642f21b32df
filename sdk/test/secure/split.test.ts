import { describe, expect, test } from "vitest";
import { hex, unhex } from "../../src/bytes.js";
import { encodeRing } from "../../src/noise/ring.js";
import type { Floor } from "../../src/secure/floor.js";
import { Inclusion, Receipt, Terms } from "../../src/secure/messages.js";
import { checkCertificate, checkReceipt, sid } from "../../src/secure/session.js";
import { makeReport } from "../../src/secure/split.js";
import { fromWire } from "../../src/secure/wire.js";
import { certificateOf, examples, given, golden, refusal, signerOf, termsOf } from "./golden.js";

const session = golden("split.json");
const terms = termsOf(session.terms);
const servers = {
  coordinator: unhex(session.servers.coordinator),
  helper: unhex(session.servers.helper),
  sealing: unhex(session.servers.sealing),
};
const floor: Floor = {
  minimum: 3,
  adversaries: 0,
  dropouts: 0,
  semiMalicious: false,
  modes: ["split"],
  consistency: false,
};

const report = async (client: any, changes: Partial<Terms> = {}, insisted: Partial<Floor> = {}) =>
  makeReport(
    { ...terms, ...changes },
    servers,
    { signer: await signerOf(unhex(client.key)), certificate: certificateOf(client.certificate) },
    encodeRing(Float64Array.from(client.values, Number), terms.bits),
    { ...floor, ...insisted },
    given([client.seed, client.ephemeral]),
  );

describe.each(examples(session.clients))("client $number", (client: any) => {
  test("makes its report byte for byte", async () => {
    const { message } = await report(client);
    expect(hex(message)).toBe(client.report);
  });

  test("finds itself counted", async () => {
    const { digest } = await report(client);
    const names = session.clients.map((each: any) => each.report_id).sort();
    const place = names.indexOf(client.report_id);
    const inclusion = fromWire(Inclusion, unhex(session.inclusions[place]));
    const receipt = fromWire(Receipt, unhex(session.receipt));
    const own = await sid(terms);
    await checkReceipt(receipt, inclusion, servers.coordinator, own, digest);

    const other = digest.map((byte) => byte ^ 1);
    const check = (...said: Parameters<typeof checkReceipt>) =>
      refusal(() => checkReceipt(...said));
    const { coordinator, helper } = servers;
    expect(await check(receipt, inclusion, coordinator, own, other)).toBe("bad-receipt");
    expect(await check(receipt, inclusion, coordinator, other, digest)).toBe("bad-receipt");
    expect(await check(receipt, inclusion, helper, own, digest)).toBe("bad-signature");
    const fewer = { ...receipt, contributors: 3 };
    expect(await check(fewer, inclusion, coordinator, own, digest)).toBe("bad-signature");
    const away = { ...inclusion, position: 4 };
    expect(await check(receipt, away, coordinator, own, digest)).toBe("bad-proof");
  });

  test("is enrolled with its authority alone", async () => {
    const certificate = certificateOf(client.certificate);
    const authority = unhex(session.authority);
    await checkCertificate(certificate, authority);
    const check = (changed: object, by = authority) =>
      refusal(() => checkCertificate({ ...certificate, ...changed }, by));
    expect(await check({}, servers.helper)).toBe("bad-certificate");
    expect(await check({ key: servers.helper })).toBe("bad-certificate");
    const position = (certificate.position + 1) % 5;
    expect(await check({ position })).toMatch(/bad-(proof|certificate)/);
    expect(await check({ position: 5 })).toBe("bad-proof");
  });
});

test("fresh seeds are drawn where none are given", async () => {
  const [client] = session.clients;
  const identity = {
    signer: await signerOf(unhex(client.key)),
    certificate: certificateOf(client.certificate),
  };
  const words = encodeRing(Float64Array.from(client.values, Number), terms.bits);
  const made = [0, 1].map(() => makeReport(terms, servers, identity, words, floor));
  const [first, second] = await Promise.all(made);
  expect(hex(first!.message)).not.toBe(hex(second!.message));
});

test.each([
  [{ mode: "pairwise" }, {}, "weak-mode"],
  [{}, { modes: ["pairwise"] }, "weak-mode"],
  [{}, { minimum: 4 }, "weak-minimum"],
  [{ words: 9 }, {}, "bad-vector"],
  [{ bits: 33 }, {}, "bad-vector"],
  [{ bits: 16 }, {}, "bad-vector"],
])("terms with %o and a floor with %o are refused", async (changes, insisted, code) => {
  expect(await refusal(() => report(session.clients[0], changes, insisted))).toBe(code);
});
