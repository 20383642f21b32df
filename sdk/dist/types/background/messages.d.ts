/** What the page and its worker say to each other. */
import type { Problem } from "../errors.js";
import type { Trust } from "../network/api.js";
import type { Guard } from "../network/promise.js";
/** All that the worker has to know to take part for this browser. */
export interface Settings {
    task: string;
    coordinator: string;
    trust: Trust;
    guard: Guard;
}
/** What came of taking part once. */
export interface Part {
    /** What was contributed to, for which purpose (`step`, `norms` or `evaluation`). */
    release: string;
    purpose: string;
    /** The secured sum's name, and the model's hash afterwards, in hexadecimal. */
    session: string;
    model: string;
    /** What was sent. */
    bytes: number;
}
/**
 * What came of asking the coordinator: a contribution, or in how many seconds to come again. With a
 * problem a contribution is an empty one, of which nobody is told but the visitor's own page.
 */
export type Outcome = {
    part: Part;
    problem?: Problem;
} | {
    later: number;
    problem?: Problem;
} | {
    token: true;
};
/** Where a tab takes part: in a worker or, where that is refused, on the page. */
export type Where = "worker" | "page";
/** Takes part for this browser, in a worker or, where that is refused, on the page. */
export interface Member {
    /**
     * Ask the coordinator once, and take part where there is a round.
     *
     * @param token a single-use token to enrol with; without one it is said whether one is needed.
     */
    take(token: string | undefined, signal: AbortSignal): Promise<Outcome>;
}
/** From the page to the worker, which it ends by terminating it. */
export type Order = {
    kind: "settings";
    settings: Settings;
} | {
    kind: "take";
    token: string | undefined;
};
/** From the worker to the page. */
export type Reply = {
    kind: "ready";
} | {
    kind: "outcome";
    outcome: Outcome;
};
/** What the worker's file exports to pages that import it. */
export interface WorkerModule {
    memberOf(settings: Settings): Member;
}
