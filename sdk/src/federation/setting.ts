/** What follows from a setting: how much noise there is, how wide sums are, how many they take. */
import { ringBits, sensitivity } from "../noise/quantizer.js";
import { shareOf, skellamBound } from "../noise/skellam.js";
import type { Setting } from "./ask.js";

export interface Plan {
  /** Of the noise that each client adds; 0 where servers make it. */
  readonly variance: number;
  /** Of the narrowest ring in which no sum of these overflows, whatever the noise. */
  readonly bits: number;
  /** The fewest clients whose sum is opened: enough to hide in, and to make the noise. */
  readonly minimum: number;
}

/** No Gaussian noise of a server goes further, in standard deviations. */
const REACH = 13.2;

/** How much a person changes a sum, in steps: at as many clients as the policy says. */
export const sensitivityOf = ({ policy, quantizer }: Setting): number =>
  policy.clients_per_person * sensitivity(quantizer);

export function planOf(setting: Setting): Plan {
  const { policy, noise, quantizer, units, clients } = setting;
  const { epsilon, adversaries, dropouts } = policy;
  const byClients = policy.secure === "pairwise";
  const deviation = noise.multiplier * sensitivityOf(setting);
  const total = byClients ? deviation * deviation : 0;
  const { variance, minimum } = shareOf(total, clients, adversaries, dropouts);
  const most = byClients ? clients * skellamBound(variance) : 2 * Math.ceil(REACH * deviation);
  return {
    variance,
    bits: ringBits(quantizer, units, most),
    minimum: Math.max(policy.minimum, byClients && epsilon !== null ? minimum : 0),
  };
}
