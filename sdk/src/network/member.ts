/** This browser as a client of the coordinator: enrolled once, and asked again and again. */
import type { Member, Outcome, Settings } from "../background/messages.js";
import { type Bytes, equal, hex, unhex } from "../bytes.js";
import { asProblem, type Problem } from "../errors.js";
import { insist } from "../insist.js";
import { Certificate } from "../secure/messages.js";
import { checkCertificate, type Identity } from "../secure/session.js";
import { fromWire } from "../secure/wire.js";
import { readConsents } from "../store/consent.js";
import { type Database, openDatabase } from "../store/database.js";
import {
  type Enrolled,
  type KeyPair,
  makeKey,
  readIdentity,
  writeIdentity,
} from "../store/identity.js";
import { type Access, apiOf, RefusedError } from "./api.js";
import { conscienceOf } from "./conscience.js";
import { type Taker, takePart } from "./taking-part.js";

/** Seconds before the next try where the coordinator is away, or this browser refuses. */
const PAUSE = 30;

/** Seconds before the next try where a round has failed. */
const SOON = 1;

/** What a member has of its own beside its key. */
interface Kept extends Pick<Taker, "database" | "last" | "signal" | "failed"> {
  access: Access;
}

export const memberOf = (settings: Settings): Member => {
  const access: Access = {};
  const last: Taker["last"] = {};
  return {
    async take(token, signal) {
      let database: Database | undefined;
      let empty: Problem | undefined;
      const failed = (why: unknown): void => {
        signal.throwIfAborted();
        empty = asProblem(why);
      };
      try {
        database = await openDatabase(false);
        if (!database) return { later: PAUSE };
        const found = await once(settings, { access, last, database, signal, failed }, token);
        return "part" in found && empty ? { ...found, problem: empty } : found;
      } catch (problem) {
        signal.throwIfAborted();
        const later = problem instanceof RefusedError ? SOON : PAUSE;
        return { later, problem: empty ?? asProblem(problem) };
      } finally {
        database?.close();
      }
    },
  };
};

const once = async (
  settings: Settings,
  own: Kept,
  token: string | undefined,
): Promise<Outcome> => {
  const { access, database, signal } = own;
  const { task, guard, trust } = settings;
  const consents = await database.run(["values"], "readonly", (transaction) =>
    readConsents(transaction, task),
  );
  if (!consents.train && !consents.measure) return { later: PAUSE };
  const authority = unhex(trust.authority);
  const deployment = hex(authority);
  let enrolled = await readIdentity(database, deployment);
  let certificate =
    enrolled && (await certificateOf(enrolled, authority).catch(() => undefined));
  if (!enrolled || !certificate) {
    if (!token) return { token: true };
    const key = await makeKey();
    const given = await apiOf(settings, access, undefined, signal).enrol(token, key);
    enrolled = { ...key, certificate: given };
    certificate = await certificateOf(enrolled, authority);
    await writeIdentity(database, deployment, enrolled);
  }
  const api = apiOf(settings, access, enrolled, signal);
  const admitted = await api.checkIn();
  if ("later" in admitted) return admitted;
  const taker = {
    ...own,
    api,
    conscience: conscienceOf(database, guard, task, deployment),
    identity: identityOf(enrolled, certificate),
    authority,
    servers: {
      coordinator: unhex(trust.coordinator),
      helper: unhex(trust.helper),
      sealing: unhex(trust.sealing),
    },
  };
  return { part: await takePart(taker, admitted) };
};

/** Return the certificate of a key, if the authority gave it for that key. */
const certificateOf = async (own: Enrolled, authority: Bytes): Promise<Certificate> => {
  const certificate = fromWire(Certificate, own.certificate);
  await checkCertificate(certificate, authority);
  insist(equal(certificate.key, own.publicKey), "bad-certificate");
  return certificate;
};

const identityOf = ({ privateKey, publicKey }: KeyPair, certificate: Certificate): Identity => ({
  certificate,
  signer: {
    publicKey,
    sign: async (message) =>
      new Uint8Array(await crypto.subtle.sign("Ed25519", privateKey, message)),
  },
});
