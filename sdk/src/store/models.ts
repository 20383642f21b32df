/** Public model files by their hash, so that a round does not fetch again what the last one had. */
import type { Bytes } from "../bytes.js";
import { type Database, get, put, result } from "./database.js";

/** How many are kept: a round's, and the one before. */
const MOST_MODELS = 2;

export const readModelFile = (database: Database, name: string): Promise<Bytes | undefined> =>
  database.run(["models"], "readonly", async (transaction) => {
    const found = await get(transaction, "models", name);
    return found?.body;
  });

/** Keep a file, and let go of the oldest. */
export const keepModelFile = (database: Database, name: string, body: Bytes): Promise<void> =>
  database.run(["models"], "readwrite", async (transaction) => {
    const store = transaction.objectStore("models");
    await put(transaction, "models", { body, at: Date.now() }, name);
    const names = await result(store.getAllKeys());
    const found: { at: number }[] = await result(store.getAll());
    const byAge = names.map((key, place) => ({ key, at: found[place]!.at }));
    byAge.sort((one, other) => other.at - one.at);
    for (const { key } of byAge.slice(MOST_MODELS)) store.delete(key);
  });
