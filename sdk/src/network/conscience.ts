/** What this browser insists on and remembers: guard, consent and journal, asked together. */
import { type Bytes, hex } from "../bytes.js";
import type { Ask } from "../federation/ask.js";
import { checkFloor, type Floor } from "../secure/floor.js";
import type { Terms } from "../secure/messages.js";
import { writeBudget } from "../store/budget.js";
import { readConsents, requireConsent } from "../store/consent.js";
import type { Database } from "../store/database.js";
import { claim, settle } from "../store/journal.js";
import { readReleases } from "../store/records.js";
import { checkOffer, checkStanding, costOf, floorOf, neededFor } from "./guard.js";
import { type Guard } from "./promise.js";

/** What a member asks before each step of a round. */
export interface Conscience {
  /** Return the floor of a secured sum, or refuse to take part: the codes of the guard. */
  agree(ask: Ask, terms: Terms): Promise<Floor>;
  /**
   * Note, in the transaction before anything is sent, that a release is answered in a session.
   *
   * Consent and budget are looked at once more, at one moment with the note. A report of split mode
   * is all that is ever sent, so that the release counts as answered.
   */
  claim(transaction: IDBTransaction, ask: Ask, session: Bytes): Promise<void>;
  /** Note likewise that a masked vector is about to be sent, which others may then open. */
  commit(transaction: IDBTransaction, ask: Ask, session: Bytes): Promise<void>;
  /** Note lastingly that what opens a sum is about to be sent. */
  record(ask: Ask, session: Bytes, answer: Bytes): Promise<void>;
}

export const conscienceOf = (database: Database, guard: Guard, task: string): Conscience => ({
  agree: (ask, terms) =>
    database.run(["values", "releases"], "readonly", async (transaction) => {
      checkOffer(guard, task, ask);
      const floor = floorOf(guard);
      checkFloor(floor, terms);
      checkStanding(guard, ask, await readConsents(transaction), await readReleases(transaction));
      return floor;
    }),
  async claim(transaction, ask, session) {
    const { purpose, setting } = ask;
    const consents = await readConsents(transaction);
    const epsilon = checkStanding(guard, ask, consents, await readReleases(transaction));
    const cost = costOf(ask);
    await claim(transaction, {
      release: setting.noise.name,
      purpose,
      cost,
      session: hex(session),
      stage: setting.policy.secure === "split" ? "reported" : "started",
    });
    const releases = (await readReleases(transaction)).length;
    await writeBudget(transaction, {
      epsilon,
      of: guard.epsilon,
      delta: guard.delta,
      unit: "user",
      mechanism: cost?.mechanism ?? "none",
      releases,
    });
  },
  async commit(transaction, ask, session) {
    requireConsent(await readConsents(transaction), neededFor(ask));
    await settle(transaction, ask.setting.noise.name, hex(session), "masked");
  },
  record: (ask, session, answer) =>
    database.run(["releases"], "readwrite", (transaction) =>
      settle(transaction, ask.setting.noise.name, hex(session), "revealed", answer),
    ),
});
