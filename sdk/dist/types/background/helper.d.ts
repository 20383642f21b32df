/** The worker, or the same file on the page where workers are refused. */
import type { Member, Settings, Where } from "./messages.js";
/** A member with a worker of its own, which ends with it, whatever it is doing. */
export interface Helper extends Member {
    readonly where: Where;
    close(): void;
}
/** Start the worker; where the browser or a content policy refuses it, import its file. */
export declare const startHelper: (url: string, settings: Settings) => Promise<Helper>;
