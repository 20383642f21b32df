import { type Database } from "./database.js";
/** The most interactions that are kept of a task; the oldest go first. */
export declare const LONGEST_HISTORY = 2000;
/** One interaction: its time is in whole seconds since 1970. */
export interface Seen {
    item: string;
    kind: string;
    time: number;
    /** How much it counts to the models that weigh interactions; 1 where left out. */
    weight?: number;
}
/** Store an interaction, unless consent was withdrawn meanwhile, also in another tab. */
export declare const addSeen: (database: Database, task: string, seen: Seen) => Promise<void>;
/** Return all interactions of a task by time, those of one time as they were recorded. */
export declare const readHistory: (transaction: IDBTransaction, task: string) => Promise<Seen[]>;
export declare const clearHistory: (transaction: IDBTransaction, task: string) => Promise<unknown>;
/** Put one more into a history in memory, as it is stored. */
export declare const withSeen: (history: Seen[], seen: Seen) => Seen[];
