/** What this browser insists on and remembers: guard, consent and journal, asked together. */
import { type Bytes, hex } from "../bytes.js";
import type { Ask } from "../federation/ask.js";
import { checkFloor, type Floor } from "../secure/floor.js";
import type { Terms } from "../secure/messages.js";
import { writeBudget } from "../store/budget.js";
import { readConsents, requireConsent } from "../store/consent.js";
import type { Database, Name } from "../store/database.js";
import { claim, readReleases, settle } from "../store/journal.js";
import { checkOffer, checkStanding, costOf, floorOf, neededFor } from "./guard.js";
import { type Guard } from "./promise.js";

/** What a member asks before each step of a round. */
export interface Conscience {
  /** Return the floor of a secured sum, or refuse to take part: the codes of the guard. */
  agree(ask: Ask, terms: Terms): Promise<Floor>;
  /**
   * Note lastingly, before the history is opened, that a release is answered in a session, and
   * charge it. Consent and budget are looked at once more, at one moment with the note.
   */
  claim(ask: Ask, session: Bytes): Promise<void>;
  /** Note, in the transaction before it is sent, a message by which others may open a sum. */
  commit(transaction: IDBTransaction, ask: Ask, session: Bytes): Promise<void>;
  /** Note lastingly that what opens a sum is about to be sent. */
  record(ask: Ask, session: Bytes, answer: Bytes): Promise<void>;
}

/**
 * Return what a member of a task asks.
 *
 * @param deployment the authority's public key, in hexadecimal.
 */
export const conscienceOf = (
  database: Database,
  guard: Guard,
  task: string,
  deployment: string,
): Conscience => {
  const stores: Name[] = ["values", "releases"];
  const named = ({ setting }: Ask) => ({ deployment, release: setting.noise.name });
  const answered = (ask: Ask, session: Bytes) => ({ ...named(ask), session: hex(session) });
  const standing = async (transaction: IDBTransaction, ask: Ask): Promise<number> => {
    const consents = await readConsents(transaction, task);
    return checkStanding(guard, ask, named(ask), consents, await readReleases(transaction));
  };
  return {
    agree: (ask, terms) =>
      database.run(stores, "readonly", async (transaction) => {
        checkOffer(guard, task, ask);
        const floor = floorOf(guard);
        checkFloor(floor, terms);
        await standing(transaction, ask);
        return floor;
      }),
    claim: (ask, session) =>
      database.run(stores, "readwrite", async (transaction) => {
        const epsilon = await standing(transaction, ask);
        const cost = costOf(ask);
        const { purpose } = ask;
        await claim(transaction, { ...answered(ask, session), purpose, cost });
        await writeBudget(transaction, {
          epsilon,
          of: guard.epsilon,
          delta: guard.delta,
          unit: "user",
          clientsPerPerson: guard.clientsPerPerson,
          mechanism: cost?.mechanism ?? "none",
          releases: (await readReleases(transaction)).length,
        });
      }),
    async commit(transaction, ask, session) {
      requireConsent(await readConsents(transaction, task), neededFor(ask));
      const stage = ask.setting.policy.secure === "split" ? "reported" : "masked";
      await settle(transaction, answered(ask, session), stage);
    },
    record: (ask, session, answer) =>
      database.run(["releases"], "readwrite", (transaction) =>
        settle(transaction, answered(ask, session), "revealed", answer),
      ),
  };
};
