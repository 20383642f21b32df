/** Taking part again and again, from one tab of the browser at a time. */
import { HedgerowError } from "../errors.js";
import type { Helper } from "./helper.js";
import type { Outcome, Part, Where } from "./messages.js";
import { goodMoment, untilOnline } from "./moments.js";

/** The longest pause after a row of problems, in seconds. */
const LONGEST_PAUSE = 3600;

/** Whom a tab tells what comes of taking part. */
export interface Told {
  contributed(part: Part): void;
  failed(problem: HedgerowError): void;
}

/** What a tab needs to take part. */
export interface Participation extends Told {
  /** The name of the lock that one tab holds. */
  lock: string;
  start(): Promise<Helper>;
  /** Told where this tab takes part from now on; null when it no longer does. */
  works(where: Where | null): void;
  /** Asks the shop's server for a single-use token. */
  enrol(): Promise<string>;
}

/** Take part until the signal; other tabs wait for the lock meanwhile. */
export const participate = async (how: Participation, signal: AbortSignal): Promise<void> => {
  if (!navigator.locks) {
    const sentence = "Taking part needs HTTPS and a browser with Web Locks.";
    return how.failed(new HedgerowError("unsupported", sentence));
  }
  await navigator.locks.request(how.lock, { signal }, async () => {
    const helper = await how.start();
    try {
      signal.throwIfAborted();
      how.works(helper.where);
      await takePart(helper, how, signal);
    } finally {
      helper.close();
      how.works(null);
    }
  });
};

const takePart = async (helper: Helper, how: Participation, signal: AbortSignal): Promise<void> => {
  let problems = 0;
  for (;;) {
    await goodMoment(signal);
    let outcome = await helper.take(undefined, signal);
    if ("token" in outcome) outcome = await enrolled(helper, how, signal);
    signal.throwIfAborted();
    if ("token" in outcome) continue;
    const { problem } = outcome;
    if (problem) how.failed(new HedgerowError(problem.code, problem.sentence));
    if ("part" in outcome) {
      // An empty one is no reason to wait, or the pause would tell what the term does not.
      how.contributed(outcome.part);
      problems = 0;
    } else {
      const { later } = outcome;
      problems = problem ? problems + 1 : 0;
      // Visitors who were all refused at once shall not all come again at once.
      const pause = Math.min(LONGEST_PAUSE, later * 2 ** Math.max(0, problems - 1));
      await untilOnline(pause * (0.75 + Math.random() / 2), signal);
    }
  }
};

const enrolled = async (
  helper: Helper,
  how: Participation,
  signal: AbortSignal,
): Promise<Outcome> => {
  let token: string;
  try {
    token = await how.enrol();
  } catch {
    const sentence = "The shop gave no enrolment token; check what `enrol` does.";
    return { later: 60, problem: { code: "no-token", sentence } };
  }
  return helper.take(token, signal);
};
