// Replays the session of split mode. See README.md, "Split mode".

import {
  concat,
  decode,
  derive,
  encode,
  enrolled,
  hex,
  leaf,
  message,
  modulo,
  open,
  pack,
  rootByProof,
  rootOf,
  same,
  seal,
  sha256,
  sidOf,
  sign,
  signReceipt,
  termsOf,
  unhex,
  unpack,
  utf8,
  verify,
  words,
} from "./primitives.mjs";

const signed = (type, fields) => concat(utf8("hedgerow/split/signed/v1\0"), message(type, fields));

export async function splitSession(v) {
  const terms = termsOf(v.terms);
  const [session, authority] = [await sidOf(terms), unhex(v.authority)];
  const { words: count, bits } = terms;
  const servers = Object.fromEntries(Object.entries(v.servers).map(([k, key]) => [k, unhex(key)]));
  const info = (report) =>
    concat(utf8("hedgerow/split/sealed/v1\0"), encode([session, report, message("servers", servers)]));
  const zero = () => Array.from({ length: count }, () => 0n);
  const plus = (a, b) => a.map((value, i) => modulo(value + b[i], bits));
  const [members, forwarded] = [[], []];
  let [reports, masks, plain] = [zero(), zero(), zero().slice(1)];

  for (const client of v.clients) {
    // What the client makes.
    const certificate = Object.fromEntries(
      Object.entries(client.certificate).map(([k, x]) => [k, typeof x === "string" ? unhex(x) : x]),
    );
    const report = await sha256(
      utf8("hedgerow/split/report/v1\0"),
      encode([terms.task, terms.round, certificate.key]),
    );
    same(report, client.report_id, "report id");
    const seed = unhex(client.seed);
    const mask = await words(await derive(seed, session, "split mask"), count, bits);
    const values = client.values.map(BigInt);
    const masked = pack(plus([...values, 1n], mask), bits);
    const sealed = await seal(
      unhex(client.ephemeral),
      servers.sealing,
      info(report),
      message("seed", { session, report, seed }),
    );
    const envelope = { session, report, digest: await sha256(masked), sealed };
    const toSign = signed("envelope", envelope);
    const signature = await sign(unhex(client.key), toSign);
    const whole = { envelope, certificate, signature };
    same(message("report", { signed: whole, masked }), client.report, "report");

    // What the coordinator and the helper make of it.
    const received = decode(unhex(client.report));
    same(await enrolled(received.signed.certificate, authority), true, "certificate");
    same(await verify(certificate.key, toSign, received.signed.signature), true, "signature");
    const opened = decode(await open(unhex(v.sealing_key), info(report), received.signed.envelope.sealed));
    same([opened.session, opened.report, opened.seed].map(hex), [session, report, seed].map(hex), "seed");
    reports = plus(reports, unpack(received.masked, count, bits));
    masks = plus(masks, mask);
    plain = plain.map((sum, i) => sum + values[i]);
    members.push({ report, digest: envelope.digest });
    forwarded.push(whole);
  }

  same(message("forward", { session, envelopes: forwarded }), v.forward, "forward");
  const accepted = forwarded.map((each) => each.envelope.report);
  const verdicts = { session, request: await sha256(unhex(v.forward)), accepted, refused: [] };
  const judged = await sign(unhex(v.helper_key), signed("verdicts", verdicts));
  same(message("signed-verdicts", { verdicts, signature: judged }), v.verdicts, "verdicts");

  members.sort((a, b) => Buffer.compare(Buffer.from(a.report), Buffer.from(b.report)));
  const domain = utf8("hedgerow/split/set/v1\0");
  const leaves = await Promise.all(members.map((m) => leaf(domain, session, m.report, m.digest)));
  const agreed = { session, count: members.length, root: await rootOf(leaves) };
  const asked = await sign(unhex(v.coordinator_key), signed("agreed-set", agreed));
  same(message("collect", { agreed, signature: asked }), v.collect, "collect");

  const [own, helpers] = [v.coordinator_noise, v.helper_noise].map((noise) => noise.map(BigInt));
  masks = plus(masks, [...helpers.map((value) => -value), 0n]);
  const sum = { agreed, masks: pack(masks, bits) };
  const signature = await sign(unhex(v.helper_key), signed("mask-sum", sum));
  same(message("signed-mask-sum", { sum, signature }), v.mask_sum, "mask sum");

  const total = plus(plus(reports, [...own, 0n]), masks.map((value) => -value));
  same(total.at(-1), BigInt(members.length), "count");
  const opened = total.slice(0, -1).map((value) => BigInt.asIntN(bits, value));
  same(opened.map(String), v.sums, "sum");
  same(opened.map(String), plain.map((x, i) => String(x + own[i] + helpers[i])), "plain sum");

  const digests = members.map((m) => m.digest);
  const final = await signReceipt(
    unhex(v.coordinator_key), session, await sha256(pack(total, bits)), digests,
  );
  same(message("receipt", final), v.receipt, "receipt");
  for (const [at, bytes] of v.inclusions.entries()) {
    const { position, proof } = decode(unhex(bytes));
    const found = await rootByProof(await leaf(digests[at]), position, digests.length, proof);
    same(found, final.uploads, "inclusion");
  }
}
