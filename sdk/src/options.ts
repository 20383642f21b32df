/** What a shop sets, with the defaults, checked once. */
import { HedgerowError } from "./errors.js";
import { DEFAULT_GUARD, type Guard } from "./network/promise.js";
import type { Trust } from "./network/api.js";

/** What a shop sets to have visitors recommended to, and to let them take part. */
export interface Options {
  /** The task's name at the coordinator. */
  task: string;
  /** URL of the public model's file, hosted by the shop. */
  model: string;
  /** How much an interaction counts by its kind, to models that weigh them; 1 by default. */
  weights?: Record<string, number>;
  /** URL of the coordinator; this and all below are needed to take part only. */
  coordinator?: string;
  /** URL of `hedgerow-worker.js`, hosted by the shop. */
  worker?: string;
  /** The deployment's public keys in hexadecimal. */
  trust?: Trust;
  /** Gets a single-use enrolment token from the shop's server, for a visitor who agreed. */
  enrol?: () => Promise<string>;
  /** What the shop promises its visitors; sums that fall below are refused. */
  floor?: Partial<Guard>;
}

/** All that it takes to take part. */
export interface Taking extends Required<
  Pick<Options, "coordinator" | "worker" | "trust" | "enrol">
> {
  guard: Guard;
}

const refuse = (sentence: string): never => {
  throw new HedgerowError("bad-options", sentence);
};

/**
 * Return what taking part needs, from a shop's options; undefined where these only recommend.
 *
 * @throws HedgerowError `bad-options`.
 */
export const checked = (options: Options): Taking | undefined => {
  const { task, model, coordinator, worker, trust, enrol, floor, weights = {} } = options;
  if (!/^[a-z0-9][a-z0-9-]{0,62}$/.test(task)) refuse("A task's name has a-z, 0-9 and dashes.");
  if (!model) refuse("Name the URL of the model.");
  if (!Object.values(weights).every((weight) => weight >= 0 && weight < Infinity)) {
    refuse("Weights are finite numbers of 0 or more.");
  }
  if (!coordinator) return undefined;
  if (!worker || !trust || !enrol) return refuse("Taking part needs worker, trust and enrol.");
  const { protocol, hostname } = new URL(coordinator);
  const local = ["localhost", "127.0.0.1", "[::1]"].includes(hostname);
  if (protocol !== "https:" && !local) refuse("The coordinator's URL begins with https.");
  for (const name of ["authority", "coordinator", "helper", "sealing"] as const) {
    if (!/^[0-9a-f]{64}$/i.test(trust[name]))
      refuse(`The ${name}'s key has 64 hexadecimal digits.`);
  }
  const guard = { ...DEFAULT_GUARD, ...floor };
  const { minimum, adversaries, dropouts, epsilon, delta, clientsPerPerson, exactRuns } = guard;
  if (
    !(minimum >= 2) ||
    !(adversaries >= 0 && dropouts >= 0 && adversaries + dropouts < 1) ||
    !(epsilon === null || epsilon > 0) ||
    !(delta > 0 && delta < 1) ||
    !(clientsPerPerson >= 1) ||
    !(exactRuns >= 0)
  ) {
    refuse("A number of the floor is out of range; see the table in the README.");
  }
  // Relative to the page: an import would take it relative to this file.
  const hosted = new URL(worker, globalThis.document?.baseURI).href;
  return { coordinator, worker: hosted, trust, enrol, guard };
};
