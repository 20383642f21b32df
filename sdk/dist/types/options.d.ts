import { type Guard } from "./network/promise.js";
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
export interface Taking extends Required<Pick<Options, "coordinator" | "worker" | "trust" | "enrol">> {
    guard: Guard;
}
/**
 * Return what taking part needs, from a shop's options; undefined where these only recommend.
 *
 * @throws HedgerowError `bad-options`.
 */
export declare const checked: (options: Options) => Taking | undefined;
