/** The coordinator's interface: typed calls over HTTPS, made again while it cannot be reached. */
import { type Bytes, hex, unhex } from "../bytes.js";
import { HedgerowError } from "../errors.js";
import type { KeyPair } from "../store/identity.js";
import { enrolmentProof, loginProof, tokenKey } from "./proofs.js";
import { pause } from "./pause.js";

/** Seconds for which the coordinator may hold a question until there is an answer. */
const WAIT = 20;

const TRIES = 8;

/** Seconds. */
const LONGEST_PAUSE = 20;

const SCOPES = ["contribute", "read-model"];

const BUSY = [429, 502, 503, 504];

/** The public keys, in hexadecimal, of who enrols, of the two servers, and the sealing key. */
export interface Trust {
  authority: string;
  coordinator: string;
  helper: string;
  sealing: string;
}

/** A round to take part in, and the phase to ask for next; or in how many seconds to come again. */
export type CheckedIn = { round: string; phase: string } | { later: number };

/** The coordinator refuses: a round has failed, or gone on without this client. */
export class RefusedError extends HedgerowError {}

/** What a client has of a coordinator between calls. */
export interface Access {
  /** The deployment's name, once its servers are known to be those that the shop pinned. */
  audience?: string;
  /** Short-lived, from the last login. */
  token?: string | undefined;
}

/** The calls of one client; each of them may be made twice. */
export interface Api {
  /** Redeem a single-use token for a key; return the certificate (CBOR). */
  enrol(token: string, key: KeyPair): Promise<Bytes>;
  checkIn(): Promise<CheckedIn>;
  /** Return what has to be known for a phase of a round, as soon as it is reached. */
  told(round: string, phase: string): Promise<Bytes>;
  /** Send a message of a round; return when it is stored. */
  send(round: string, kind: string, body: Bytes): Promise<void>;
  /** Return the file of a model by its hash. */
  model(name: string): Promise<Bytes>;
}

/**
 * Return the calls to a coordinator.
 *
 * @param coordinator its URL.
 * @param access kept for the next calls.
 * @param key the client's; calls that take a login need it.
 * @param signal ends every call at once.
 */
export const apiOf = (
  { coordinator, trust }: { coordinator: string; trust: Trust },
  access: Access,
  key: KeyPair | undefined,
  signal: AbortSignal,
): Api => {
  const once = (method: string, path: string, headers: HeadersInit, body?: BodyInit) =>
    fetch(coordinator.replace(/\/$/, "") + path, {
      method,
      headers,
      body: body ?? null,
      cache: "no-store",
      credentials: "omit",
      redirect: "error",
      referrerPolicy: "no-referrer",
      signal: AbortSignal.any([signal, AbortSignal.timeout((WAIT + 30) * 1000)]),
    });

  /** Return the deployment's name, if its servers are those that the shop pinned. */
  const audience = async (): Promise<string> => {
    if (access.audience === undefined) {
      const found = await (await call("GET", "/v1/deployment", { known: false })).json();
      for (const [name, pinned] of Object.entries(trust)) {
        if (found[name] !== pinned.toLowerCase()) {
          throw new HedgerowError("other-servers", `The ${name}'s key is not the pinned one.`);
        }
      }
      access.audience = String(found.audience);
    }
    return access.audience;
  };

  const login = async (): Promise<string> => {
    if (!key) throw new HedgerowError("unauthenticated", "This browser is not enrolled yet.");
    const named = await audience();
    const timestamp = Date.now();
    const signature = await signed(key, loginProof(named, timestamp, SCOPES));
    const client = hex(key.publicKey);
    const body = JSON.stringify({ client, timestamp, scopes: SCOPES, signature });
    const answer = await once("POST", "/v1/token", JSON_BODY, body);
    if (!answer.ok) throw await refusal(answer);
    return (await answer.json()).token;
  };

  const call = async (
    method: string,
    path: string,
    { known = true, headers = {}, body }: Call = {},
  ): Promise<Response> => {
    let renewed = false;
    for (let attempt = 0; attempt < TRIES; attempt += 1) {
      let after = 0.1 * 2 ** attempt * (0.5 + Math.random());
      try {
        const authorization = known && {
          authorization: `Bearer ${(access.token ??= await login())}`,
        };
        const answer = await once(method, path, { ...headers, ...authorization }, body);
        if (answer.ok) return answer;
        if (answer.status === 401 && known && !renewed) {
          access.token = undefined;
          renewed = true;
          continue;
        }
        if (!BUSY.includes(answer.status)) throw await refusal(answer);
        after = Math.max(after, Number(answer.headers.get("retry-after")) || 0);
      } catch (problem) {
        signal.throwIfAborted();
        if (problem instanceof HedgerowError) throw problem;
      }
      await pause(Math.min(after, LONGEST_PAUSE), signal);
    }
    throw new HedgerowError("unavailable", "The coordinator cannot be reached; try again later.");
  };

  return {
    async enrol(token, own) {
      await audience();
      const once = await tokenKey(token);
      const message = enrolmentProof(once.publicKey, own.publicKey);
      const body = JSON.stringify({
        token: hex(once.publicKey),
        key: hex(own.publicKey),
        proof: await signed(own, message),
        voucher: await signed(once, message),
      });
      const answer = await call("POST", "/v1/enrol", { known: false, headers: JSON_BODY, body });
      return unhex((await answer.json()).certificate);
    },
    async checkIn() {
      const answer = await call("POST", `/v1/check-in?wait=${WAIT}`);
      if (answer.status === 204) return { later: Number(answer.headers.get("retry-after")) || 60 };
      const { round, phase } = await answer.json();
      return { round, phase };
    },
    async told(round, phase) {
      for (;;) {
        const answer = await call("GET", `/v1/rounds/${round}/${phase}?wait=${WAIT}`);
        if (answer.status !== 204) return bytesOf(answer);
      }
    },
    async send(round, kind, body) {
      const headers = { "content-type": "application/cbor" };
      await call("PUT", `/v1/rounds/${round}/${kind}`, { headers, body });
    },
    async model(name) {
      return bytesOf(await call("GET", `/v1/models/${name}`));
    },
  };
};

interface Call {
  /** Whether the call takes a login. */
  known?: boolean;
  headers?: Record<string, string>;
  body?: BodyInit;
}

const JSON_BODY = { "content-type": "application/json" };

const signed = async ({ privateKey }: KeyPair, message: Bytes): Promise<string> =>
  hex(new Uint8Array(await crypto.subtle.sign("Ed25519", privateKey, message)));

const bytesOf = async (answer: Response): Promise<Bytes> =>
  new Uint8Array(await answer.arrayBuffer());

const refusal = async (answer: Response): Promise<RefusedError> => {
  try {
    const { error, detail } = await answer.json();
    if (error && detail) return new RefusedError(String(error), String(detail));
  } catch {
    // It is not the coordinator that answers, or not in JSON.
  }
  return new RefusedError("refused", `The coordinator answers ${answer.status}.`);
};
