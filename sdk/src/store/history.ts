/** What the visitor did here, oldest first and with a bound. */
import { allowsHistory, readConsents } from "./consent.js";
import { type Database, result, trim } from "./database.js";

/** The most interactions that are kept; the oldest go first. */
export const LONGEST_HISTORY = 2000;

/** One interaction: its time is in whole seconds since 1970. */
export interface Seen {
  item: string;
  kind: string;
  time: number;
  /** How much it counts to the models that weigh interactions; 1 where left out. */
  weight?: number;
}

/** Store an interaction, unless consent was withdrawn meanwhile, also in another tab. */
export const addSeen = (database: Database, seen: Seen): Promise<void> =>
  database.run(["history", "values"], "readwrite", async (transaction) => {
    if (!allowsHistory(await readConsents(transaction))) return;
    const store = transaction.objectStore("history");
    await result(store.add(seen));
    await trim(store, LONGEST_HISTORY);
  });

/** Return all interactions by time, those of one time as they were recorded. */
export const readHistory = (transaction: IDBTransaction): Promise<Seen[]> =>
  result(transaction.objectStore("history").getAll() as IDBRequest<Seen[]>).then(inOrder);

export const clearHistory = (transaction: IDBTransaction): void => {
  transaction.objectStore("history").clear();
};

/** Put one more into a history in memory, as it is stored. */
export const withSeen = (history: Seen[], seen: Seen): Seen[] =>
  inOrder([...history, seen]).slice(-LONGEST_HISTORY);

const inOrder = (history: Seen[]): Seen[] => history.sort((one, other) => one.time - other.time);
