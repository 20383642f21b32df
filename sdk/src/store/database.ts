/**
 * The one database of a shop's pages in this browser: its stores, and transactions over them. Of all
 * tasks together there is one account, so that none spends what another has spent.
 */
import { HedgerowError } from "../errors.js";

const NAME = "hedgerow";

const VERSION = 1;

/** What is stored where; each store's own module says in which form. */
const STORES = {
  history: {},
  values: {},
  releases: { keyPath: ["deployment", "release"] },
  outgoing: {},
  sent: { autoIncrement: true },
  models: {},
} satisfies Record<string, IDBObjectStoreParameters>;

/** A store's name. */
export type Name = keyof typeof STORES;

/** Everything that happens in `work` happens at once or not at all, and is on disk afterwards. */
export interface Database {
  run<T>(
    names: Name[],
    mode: "readonly" | "readwrite",
    work: (transaction: IDBTransaction) => Promise<T>,
  ): Promise<T>;
  close(): void;
}

/** Return what a request gives; inside a transaction, as only there its next request may wait. */
export const result = <T>(request: IDBRequest<T>): Promise<T> =>
  new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });

/** Return what a store holds under a key; undefined where that is nothing. */
export const get = (transaction: IDBTransaction, name: Name, key: IDBValidKey): Promise<any> =>
  result(transaction.objectStore(name).get(key));

/** Put a value under a key; left out where the store takes the key from the value. */
export const put = (
  transaction: IDBTransaction,
  name: Name,
  value: unknown,
  key?: IDBValidKey,
): Promise<unknown> => result(transaction.objectStore(name).put(value, key));

/** Drop the oldest records of a store until no more than `most` are left. */
export const trim = async (store: IDBObjectStore, most: number): Promise<void> => {
  let excess = (await result(store.count())) - most;
  if (excess <= 0) return;
  const keys = await result(store.getAllKeys(null, excess));
  for (; excess > 0; excess -= 1) store.delete(keys[excess - 1]!);
};

/**
 * Open the database.
 *
 * @param create whether to make it where it is missing; otherwise nothing is made.
 * @param closed told when another tab erases or upgrades it, after which it is of no more use.
 * @returns undefined where it is missing and shall not be made.
 * @throws HedgerowError `no-storage`: this browser stores nothing here.
 */
export const openDatabase = (
  create: boolean,
  closed: () => void = () => {},
): Promise<Database | undefined> =>
  new Promise((resolve, reject) => {
    const refuse = (): void =>
      reject(new HedgerowError("no-storage", "This browser stores nothing for this page."));
    let missing = false;
    let request: IDBOpenDBRequest;
    try {
      request = indexedDB.open(NAME, VERSION);
    } catch {
      return refuse();
    }
    request.onupgradeneeded = () => {
      missing = !create;
      // Without its first upgrade no database comes to be.
      if (missing) return request.transaction!.abort();
      for (const [name, options] of Object.entries(STORES)) {
        request.result.createObjectStore(name, options);
      }
    };
    request.onerror = () => (missing ? resolve(undefined) : refuse());
    request.onsuccess = () => {
      const database = request.result;
      database.onversionchange = () => {
        database.close();
        closed();
      };
      database.onclose = closed;
      resolve({ run: (...parts) => run(database, ...parts), close: () => database.close() });
    };
  });

/**
 * Erase the database; return when nothing of it is left.
 *
 * @throws HedgerowError `not-erased`: the browser does not let go of it.
 */
export const eraseDatabase = async (): Promise<void> => {
  try {
    await result(indexedDB.deleteDatabase(NAME));
  } catch {
    throw new HedgerowError("not-erased", "This browser erases nothing here; clear its site data.");
  }
};

const run = async <T>(
  database: IDBDatabase,
  names: Name[],
  mode: "readonly" | "readwrite",
  work: (transaction: IDBTransaction) => Promise<T>,
): Promise<T> => {
  // A journal that a power cut can undo would let a contribution be counted twice.
  const transaction = database.transaction(names, mode, { durability: "strict" });
  const done = new Promise<void>((resolve, reject) => {
    transaction.oncomplete = () => resolve();
    transaction.onabort = () => reject(transaction.error);
  });
  done.catch(() => {});
  let value: T;
  try {
    value = await work(transaction);
  } catch (problem) {
    try {
      transaction.abort();
    } catch {
      // It has ended already.
    }
    throw problem;
  }
  await done;
  return value;
};
