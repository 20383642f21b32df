/** What is stored where; each store's own module says in which form. */
declare const STORES: {
    history: {};
    values: {};
    releases: {
        keyPath: string[];
    };
    outgoing: {};
    sent: {
        autoIncrement: true;
    };
    models: {};
};
/** A store's name. */
export type Name = keyof typeof STORES;
/** Everything that happens in `work` happens at once or not at all, and is on disk afterwards. */
export interface Database {
    run<T>(names: Name[], mode: "readonly" | "readwrite", work: (transaction: IDBTransaction) => Promise<T>): Promise<T>;
    close(): void;
}
/** Return what a request gives; inside a transaction, as only there its next request may wait. */
export declare const result: <T>(request: IDBRequest<T>) => Promise<T>;
/** Return what a store holds under a key; undefined where that is nothing. */
export declare const get: (transaction: IDBTransaction, name: Name, key: IDBValidKey) => Promise<any>;
/** Put a value under a key; left out where the store takes the key from the value. */
export declare const put: (transaction: IDBTransaction, name: Name, value: unknown, key?: IDBValidKey) => Promise<unknown>;
/** Drop the oldest records of a store until no more than `most` are left. */
export declare const trim: (store: IDBObjectStore, most: number) => Promise<void>;
/**
 * Open the database.
 *
 * @param create whether to make it where it is missing; otherwise nothing is made.
 * @param closed told when another tab erases or upgrades it, after which it is of no more use.
 * @returns undefined where it is missing and shall not be made.
 * @throws HedgerowError `no-storage`: this browser stores nothing here.
 */
export declare const openDatabase: (create: boolean, closed?: () => void) => Promise<Database | undefined>;
/**
 * Erase the database; return when nothing of it is left.
 *
 * @throws HedgerowError `not-erased`: the browser does not let go of it.
 */
export declare const eraseDatabase: () => Promise<void>;
export {};
