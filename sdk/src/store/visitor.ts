/** What a page knows of its visitor: in memory at once, on disk if it can, and in all its tabs. */
import { HedgerowError } from "../errors.js";
import {
  allowsHistory,
  type Consents,
  type Purpose,
  PURPOSES,
  readConsents,
  writeConsents,
} from "./consent.js";
import { type Database, eraseDatabase, openDatabase } from "./database.js";
import { addSeen, clearHistory, readHistory, type Seen, withSeen } from "./history.js";

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

/** Between tabs: of a task, or of all. */
type News = { task?: string } & ({ seen: Seen } | { consents: Consents });

/** Read what is stored of the visitor, if anything; nothing is stored by that. */
export const openVisitor = async (task: string, told: Told): Promise<Visitor> => {
  let history: Seen[] = [];
  let consents: Consents = {};
  let lasting = true;
  let reported = false;
  let database: Database | undefined;
  /** What was agreed to here, until it is on disk. */
  let unsaved: Consents | undefined;
  let last: Promise<unknown> = Promise.resolve();

  /** Do things one after the other, so that what is forgotten is not written again. */
  const queued = <T>(work: () => Promise<T>): Promise<T> => {
    const done = last.then(work);
    last = done.catch(() => {});
    return done;
  };

  /** Use the database; where that fails, memory has to do, which is said once. */
  const stored = <T>(
    create: boolean,
    work: (database: Database) => Promise<T>,
  ): Promise<T | undefined> =>
    queued(async () => {
      try {
        database ??= await openDatabase(create, () => (database = undefined));
        const value = database && (await work(database));
        if (create) lasting = true;
        return value;
      } catch {
        lasting = false;
        if (!reported) {
          const sentence = "This browser stores nothing; what is known is lost with this page.";
          told.failed(new HedgerowError("no-storage", sentence));
        }
        reported = true;
        return undefined;
      }
    });

  const take = (news: News): void => {
    if (news.task !== undefined && news.task !== task) return;
    if ("seen" in news) {
      if (!allowsHistory(consents)) return;
      history = withSeen(history, news.seen);
      told.changed("history");
    } else {
      consents = news.consents;
      unsaved = undefined;
      if (!allowsHistory(consents)) history = [];
      told.changed("consent");
    }
  };

  const save = async (found: Database): Promise<void> => {
    const next = unsaved;
    if (!next) return;
    await found.run(["history", "values"], "readwrite", async (transaction) => {
      await writeConsents(transaction, task, next);
      if (!allowsHistory(next)) await clearHistory(transaction, task);
    });
    if (unsaved === next) unsaved = undefined;
  };

  const loaded = stored(false, (found) =>
    found.run(["history", "values"], "readonly", async (transaction) => {
      consents = await readConsents(transaction, task);
      history = await readHistory(transaction, task);
    }),
  );

  const channel =
    typeof BroadcastChannel === "function" ? new BroadcastChannel("hedgerow") : undefined;
  if (channel) {
    channel.onmessage = ({ data }: MessageEvent<News>) => void loaded.then(() => take(data));
  }
  const share = (news: News): void => {
    take(news);
    channel?.postMessage(news);
  };

  await loaded;
  return {
    get history() {
      return history;
    },
    get consents() {
      return consents;
    },
    get lasting() {
      return lasting;
    },
    async add(seen) {
      if (!allowsHistory(consents)) return;
      share({ task, seen });
      await stored(true, async (found) => {
        // Nothing is recorded that is not agreed to on disk, too.
        await save(found);
        await addSeen(found, task, seen);
      });
    },
    async agree(changes, version) {
      const next = { ...consents };
      for (const purpose of PURPOSES) {
        if (changes[purpose]) next[purpose] = { at: Date.now(), version };
        else if (purpose in changes) delete next[purpose];
      }
      share({ task, consents: next });
      unsaved = next;
      await stored(allowsHistory(next), save);
    },
    read: (work) => stored(false, work),
    async forget() {
      share({ consents: {} });
      await queued(() => {
        database?.close();
        database = undefined;
        return eraseDatabase();
      });
    },
    close() {
      channel?.close();
      void queued(async () => database?.close());
    },
  };
};
