/** The guard: what this browser insists on for its visitor, whatever the coordinator asks. */
import type { Ask } from "../federation/ask.js";
import { insist } from "../insist.js";
import { sensitivityOf } from "../federation/setting.js";
import type { Floor } from "../secure/floor.js";
import { type Consents, type Purpose, requireConsent } from "../store/consent.js";
import { type Cost, type Named, type Released, runOf } from "../store/journal.js";
import { epsilonSpent } from "./accounting.js";
import type { Guard } from "./promise.js";

const DAY = 86_400_000;

/** By how much, relatively, sums of epsilon may be off. */
const SLACK = 1e-6;

/** The largest multiplier of noise that anybody has need of. */
const MOST_NOISE = 1e4;

/** Return what the secured sum itself has to keep to. */
export const floorOf = ({ secure, ...guard }: Guard): Floor => ({ ...guard, modes: [secure] });

/** Return which consent a sum needs. */
export const neededFor = ({ purpose }: Ask): Purpose =>
  purpose === "evaluation" ? "measure" : "train";

/**
 * Return what a sum costs the privacy of those in it; null where no epsilon is promised.
 *
 * @throws HedgerowError `weak-noise`: an epsilon is promised, and there is no noise.
 *   `too-much-noise`: so much that a term would not count, and only its being there would tell.
 */
export const costOf = ({ setting }: Ask): Cost | null => {
  const { policy, noise, quantizer, clients } = setting;
  if (policy.epsilon === null) return null;
  const { multiplier } = noise;
  insist(multiplier > 0, "weak-noise");
  insist(multiplier <= MOST_NOISE, "too-much-noise");
  if (policy.secure === "pairwise") {
    const { size } = quantizer;
    return { mechanism: "skellam", multiplier, sensitivity: sensitivityOf(setting), size, clients };
  }
  return { mechanism: "gaussian", multiplier, sensitivity: 0, size: 0, clients: 0 };
};

/**
 * Refuse what this browser would refuse on any day; the floor of the secured sum is checked apart.
 *
 * @throws HedgerowError `other-task`, `bad-ask`, `no-epsilon`, `weak-unit`, `weak-persons`,
 *   `weak-epsilon`, `weak-delta`, `weak-noise`, `too-much-noise` or `false-promise`.
 */
export const checkOffer = (guard: Guard, task: string, ask: Ask): void => {
  const { policy, noise, quantizer } = ask.setting;
  const { epsilon } = policy;
  insist(ask.task === task, "other-task");
  insist(quantizer.clip === noise.bound, "bad-ask");
  if (epsilon === null) return insist(guard.epsilon === null, "no-epsilon");
  insist(ask.delta > 0 && ask.delta < 1, "bad-ask");
  if (guard.epsilon !== null) {
    insist(policy.unit === "user", "weak-unit");
    insist(policy.clients_per_person >= guard.clientsPerPerson, "weak-persons");
    insist(epsilon <= guard.epsilon, "weak-epsilon");
    insist(ask.delta <= guard.delta, "weak-delta");
  }
  // Clients' noise is sized for the honest among them, so fewer adversaries mean less of it.
  const byClients = policy.secure === "pairwise";
  insist(!byClients || policy.adversaries >= guard.adversaries, "weak-noise");
  const alone = epsilonSpent([costOf(ask)!], ask.delta);
  insist(alone <= epsilon * (1 + SLACK), "false-promise");
};

/**
 * Refuse what nobody agreed to, or what is too much with all that went before, whatever the task.
 *
 * @returns the epsilon of all releases together, this one included; 0 without any promise.
 * @throws HedgerowError `no-consent`, `too-often`, `second-exact-run` or `spent`.
 */
export const checkStanding = (
  guard: Guard,
  ask: Ask,
  named: Named,
  consents: Consents,
  releases: Released[],
): number => {
  requireConsent(consents, neededFor(ask));
  const others = releases.filter(
    ({ deployment, release }) => release !== named.release || deployment !== named.deployment,
  );
  const own = costOf(ask);
  if (!own) {
    // Two sums that differ by one client tell what it sent.
    const exact = new Set(others.filter(({ cost }) => !cost).map(runOf)).add(runOf(named));
    insist(exact.size <= guard.exactRuns, "second-exact-run");
  }
  const begun = others.filter(({ at }) => at > Date.now() - DAY);
  insist(begun.length < guard.perDay, "too-often");
  const costs = [...others.map(({ cost }) => cost), own].filter((cost) => cost !== null);
  const spent = epsilonSpent(costs, guard.delta);
  insist(guard.epsilon === null || spent <= guard.epsilon * (1 + SLACK), "spent");
  return spent;
};
