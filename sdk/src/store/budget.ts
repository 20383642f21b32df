/** The visitor's account as it was last reckoned, for pages to show without reckoning again. */
import { get, put } from "./database.js";

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

const KEY = "budget";

export const readBudget = async (transaction: IDBTransaction): Promise<Budget | null> =>
  (await get(transaction, "values", KEY)) ?? null;

export const writeBudget = (transaction: IDBTransaction, budget: Budget): Promise<unknown> =>
  put(transaction, "values", budget, KEY);
