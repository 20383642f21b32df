/** What all releases of all tasks together have cost this visitor. */
export interface Budget {
    epsilon: number;
    /** The epsilon that is not exceeded; null where the shop promises none. */
    of: number | null;
    delta: number;
    /** Whose data a promise protects: all that this one visitor has done. */
    unit: "user";
    /** At how many clients, this browser among them, the visitor may be for that. */
    clientsPerPerson: number;
    mechanism: string;
    releases: number;
}
export declare const readBudget: (transaction: IDBTransaction) => Promise<Budget | null>;
export declare const writeBudget: (transaction: IDBTransaction, budget: Budget) => Promise<unknown>;
