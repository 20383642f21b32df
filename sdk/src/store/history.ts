/** What the visitor did here, oldest first and with a bound. */
import { allowsHistory, readConsents } from "./consent.js";
import { type Database, result } from "./database.js";

/** The most interactions that are kept of a task; the oldest go first. */
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
export const addSeen = (database: Database, task: string, seen: Seen): Promise<void> =>
  database.run(["history", "values"], "readwrite", async (transaction) => {
    if (!allowsHistory(await readConsents(transaction, task))) return;
    const store = transaction.objectStore("history");
    const last = await result(store.openKeyCursor(numbers(task), "prev"));
    const number = last ? (last.key as [string, number])[1] + 1 : 0;
    await result(store.add(seen, [task, number]));
    await result(store.delete(numbers(task, number - LONGEST_HISTORY)));
  });

/** Return all interactions of a task by time, those of one time as they were recorded. */
export const readHistory = async (transaction: IDBTransaction, task: string): Promise<Seen[]> =>
  inOrder(await result(transaction.objectStore("history").getAll(numbers(task))));

export const clearHistory = (transaction: IDBTransaction, task: string): Promise<unknown> =>
  result(transaction.objectStore("history").delete(numbers(task)));

/** The keys of a task's interactions, which are numbered as they are recorded. */
const numbers = (task: string, last = Infinity): IDBKeyRange =>
  IDBKeyRange.bound([task], [task, last]);

/** Put one more into a history in memory, as it is stored. */
export const withSeen = (history: Seen[], seen: Seen): Seen[] =>
  inOrder([...history, seen]).slice(-LONGEST_HISTORY);

const inOrder = (history: Seen[]): Seen[] => history.sort((one, other) => one.time - other.time);
