/** What a page knows of its visitor: in memory at once, on disk if it can, and in all its tabs. */
import { HedgerowError } from "../errors.js";
import { type Consents, type Purpose } from "./consent.js";
import { type Database } from "./database.js";
import { type Seen } from "./history.js";
/** The history and the consent of the visitor, as this tab knows them. */
export interface Visitor {
    readonly history: readonly Seen[];
    readonly consents: Consents;
    /** Whether what was last written is on disk. */
    readonly lasting: boolean;
    /** Record an interaction; it counts at once, and is on disk when this returns. */
    add(seen: Seen): Promise<void>;
    /** Note what is agreed to from now on, and what no longer is; it counts at once. */
    agree(changes: Partial<Record<Purpose, boolean>>, version: string): Promise<void>;
    /** Read from the database; undefined where there is none. */
    read<T>(work: (database: Database) => Promise<T>): Promise<T | undefined>;
    /** Erase everything that is stored in this browser, of all tasks. */
    forget(): Promise<void>;
    close(): void;
}
/** Whom a visitor's page is told through, of what happened here or in another tab. */
export interface Told {
    changed(what: "history" | "consent"): void;
    failed(problem: HedgerowError): void;
}
/** Read what is stored of the visitor, if anything; nothing is stored by that. */
export declare const openVisitor: (task: string, told: Told) => Promise<Visitor>;
