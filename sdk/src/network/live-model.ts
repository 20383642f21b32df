/** The public model that recommends, from the shop's own host, fetched again when it changes. */
import { breathe } from "../breathe.js";
import { asError, HedgerowError } from "../errors.js";
import { prepare } from "../models/als.js";
import { type Model, readModel } from "../models/model.js";
import { type Scorer, scorerOf } from "../models/scorer.js";

/** A model that is ready to score. */
export interface Live {
  model: Model;
  scorer: Scorer;
}

/** Seconds after which it is looked at whether there is another model. */
const LOOK = 900;

/** Fetches a model, and keeps the last one that could be read. */
export interface ModelSource {
  /** The model; undefined before there is one. */
  readonly live: Live | undefined;
  /**
   * Return the model as soon as there is one; now and then, look behind that whether it changed.
   *
   * @throws HedgerowError `no-model`.
   */
  current(): Promise<Live>;
  /** Look whether there is another model; what goes wrong is told, and the one before stays. */
  look(): Promise<void>;
}

/** Whom a source tells of a new model, and of one that cannot be fetched or read. */
export interface Told {
  changed(): void;
  failed(problem: HedgerowError): void;
}

export const modelSource = (url: string, told: Told, signal: AbortSignal): ModelSource => {
  let live: Live | undefined;
  let etag: string | null = null;
  let looked = 0;

  const fetched = async (): Promise<boolean> => {
    const answer = await get(url, etag, signal);
    const known = answer.headers.get("etag");
    if (answer.status === 304 || (known && known === etag)) return false;
    if (!answer.ok) throw unreachable(`its host answers ${answer.status}`);
    const file = new Uint8Array(await answer.arrayBuffer());
    await breathe();
    const model = readModel(file);
    await prepare(model);
    live = { model, scorer: scorerOf(model) };
    etag = known;
    return true;
  };

  const look = async (): Promise<void> => {
    looked = Date.now();
    try {
      if (await fetched()) told.changed();
    } catch (problem) {
      if (!signal.aborted) told.failed(asError(problem));
    }
  };

  return {
    get live() {
      return live;
    },
    async current() {
      if (!live) await look();
      else if (Date.now() - looked > LOOK * 1000) void look();
      if (!live) throw new HedgerowError("no-model", "There is no model yet; try again later.");
      return live;
    },
    look,
  };
};

const unreachable = (why: string): HedgerowError =>
  new HedgerowError("no-model", `The model cannot be fetched: ${why}.`);

const get = async (url: string, etag: string | null, signal: AbortSignal): Promise<Response> => {
  const options: RequestInit = { signal, credentials: "same-origin" };
  try {
    if (etag) return await fetch(url, { ...options, headers: { "if-none-match": etag } });
    return await fetch(url, { ...options, cache: "no-cache" });
  } catch {
    signal.throwIfAborted();
  }
  try {
    // Offline, what the browser has kept will do.
    return await fetch(url, { ...options, cache: "force-cache" });
  } catch {
    signal.throwIfAborted();
    throw unreachable("this browser is offline, or the address is wrong");
  }
};
