import type { Taking } from "../options.js";
import type { Consents } from "../store/consent.js";
import type { Where } from "./messages.js";
import { type Told } from "./participation.js";
/** What goes on behind a page. */
export interface Background {
    /** Whether this tab takes part, or would if another did not. */
    readonly running: boolean;
    /** Where this tab takes part; null where it does not, or another does. */
    readonly where: Where | null;
    /** Take part from now on, as soon as the visitor agrees to it. */
    begin(): void;
    /** Take note of what is agreed to now; a withdrawal ends what goes on at once. */
    consented(consents: Consents): void;
    end(): void;
}
export declare const backgroundOf: (task: string, taking: Taking, told: Told) => Background;
