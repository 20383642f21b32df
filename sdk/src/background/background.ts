/** Taking part while the visitor agrees to it, and no moment longer. */
import { asError } from "../errors.js";
import type { Taking } from "../options.js";
import type { Consents } from "../store/consent.js";
import { startHelper } from "./helper.js";
import type { Where } from "./messages.js";
import { participate, type Told } from "./participation.js";

/** What goes on behind a page. */
export interface Background {
  /** Whether this tab takes part, or would if another did not. */
  readonly running: boolean;
  /** Where this tab takes part; null where it does not, or another does. */
  readonly where: Where | null;
  /** Take part from now on, as soon as the visitor agrees to it. */
  begin(): void;
  /** Take note of what is agreed to now; a withdrawal ends what goes on at once. */
  consented(consents: Consents): void;
  end(): void;
}

export const backgroundOf = (task: string, taking: Taking, told: Told): Background => {
  let wanted = false;
  let agreed: Consents = {};
  let running: AbortController | undefined;
  let where: Where | null = null;

  const stop = (): void => {
    running?.abort();
    running = undefined;
    where = null;
  };

  const start = (): void => {
    if (running || !wanted || !(agreed.train || agreed.measure)) return;
    const own = (running = new AbortController());
    const { coordinator, trust, guard, worker, enrol } = taking;
    const settings = { task, coordinator, trust, guard };
    const how = {
      lock: `hedgerow/${task}`,
      start: () => startHelper(worker, settings),
      works: (at: Where | null) => {
        // What was stopped may end when its successor has begun.
        if (running === own) where = at;
      },
      enrol,
      ...told,
    };
    participate(how, own.signal).catch((problem) => {
      if (own.signal.aborted) return;
      running = undefined;
      told.failed(asError(problem));
    });
  };

  return {
    get running() {
      return running !== undefined;
    },
    get where() {
      return where;
    },
    begin() {
      wanted = true;
      start();
    },
    consented(consents) {
      const withdrawn = Object.keys(agreed).some((purpose) => !(purpose in consents));
      if (withdrawn) stop();
      agreed = consents;
      start();
    },
    end() {
      wanted = false;
      stop();
    },
  };
};
