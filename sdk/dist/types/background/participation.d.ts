/** Taking part again and again, from one tab of the browser at a time. */
import { HedgerowError } from "../errors.js";
import type { Helper } from "./helper.js";
import type { Part, Where } from "./messages.js";
/** Whom a tab tells what comes of taking part. */
export interface Told {
    contributed(part: Part): void;
    failed(problem: HedgerowError): void;
}
/** What a tab needs to take part. */
export interface Participation extends Told {
    /** The name of the lock that one tab holds. */
    lock: string;
    start(): Promise<Helper>;
    /** Told where this tab takes part from now on; null when it no longer does. */
    works(where: Where | null): void;
    /** Asks the shop's server for a single-use token. */
    enrol(): Promise<string>;
}
/** Take part until the signal; other tabs wait for the lock meanwhile. */
export declare const participate: (how: Participation, signal: AbortSignal) => Promise<void>;
