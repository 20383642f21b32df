/** This browser as a client of the coordinator: enrolled once, and asked again and again. */
import type { Member, Outcome, Settings } from "../background/messages.js";
import { type Bytes, equal, unhex } from "../bytes.js";
import { asError } from "../errors.js";
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

export const memberOf = (settings: Settings): Member => {
  const access: Access = {};
  const last: Taker["last"] = {};
  return {
    async take(token, signal) {
      let database: Database | undefined;
      try {
        database = await openDatabase(settings.task, false);
        return database
          ? await once(settings, access, last, database, token, signal)
          : { later: PAUSE };
      } catch (problem) {
        signal.throwIfAborted();
        const { code, message: sentence } = asError(problem);
        const later = problem instanceof RefusedError ? SOON : PAUSE;
        return { later, problem: { code, sentence } };
      } finally {
        database?.close();
      }
    },
  };
};

const once = async (
  settings: Settings,
  access: Access,
  last: Taker["last"],
  database: Database,
  token: string | undefined,
  signal: AbortSignal,
): Promise<Outcome> => {
  const consents = await database.run(["values"], "readonly", readConsents);
  if (!consents.train && !consents.measure) return { later: PAUSE };
  const { task, guard, trust } = settings;
  const authority = unhex(trust.authority);
  let own = await readIdentity(database);
  let certificate = own && (await certificateOf(own, authority).catch(() => undefined));
  if (!own || !certificate) {
    if (!token) return { token: true };
    const key = await makeKey();
    const given = await apiOf(settings, access, undefined, signal).enrol(token, key);
    own = { ...key, certificate: given };
    certificate = await certificateOf(own, authority);
    await writeIdentity(database, own);
  }
  const api = apiOf(settings, access, own, signal);
  const admitted = await api.checkIn();
  if ("later" in admitted) return admitted;
  const taker = {
    api,
    database,
    conscience: conscienceOf(database, guard, task),
    identity: identityOf(own, certificate),
    authority,
    servers: {
      coordinator: unhex(trust.coordinator),
      helper: unhex(trust.helper),
      sealing: unhex(trust.sealing),
    },
    last,
    signal,
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
