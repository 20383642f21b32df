/** The client's own account: what releases cost together, whatever the coordinator says. */
import type { Cost } from "../store/journal.js";

/** Bound on how far one draw of Skellam noise is from its distribution (total variation). */
const DRAW_ERROR = 2 ** -102;

/** The part of delta that is kept for samplers that are not exactly the noise they stand for. */
const RESERVE = 2 ** -7;

/**
 * Return the epsilon of releases together; 0 of none.
 *
 * Gaussian releases alone compose exactly (Dong, Roth and Su 2022) and have a closed form (Balle
 * and Wang 2018). Otherwise Rényi divergences are added up (Mironov 2017; Agarwal, Kairouz and Liu
 * 2021 for Skellam noise) and converted by Canonne, Kamath and Steinke (2020), Proposition 12.
 */
export const epsilonSpent = (costs: Cost[], delta: number): number => {
  if (costs.every((cost) => cost.mechanism === "gaussian")) {
    const precision = Math.hypot(...costs.map((cost) => 1 / cost.multiplier));
    return precision ? gaussianEpsilon(1 / precision, delta) : 0;
  }
  const goal = delta * (1 - RESERVE);
  let least = Infinity;
  for (const order of orders()) {
    const divergence = costs.reduce((sum, cost) => sum + renyi(cost, order), 0);
    const epsilon =
      goal ** 2 + Math.expm1(-divergence) > 0
        ? 0
        : divergence + Math.log1p(-1 / order) - Math.log(goal * order) / (order - 1);
    least = Math.min(least, epsilon);
  }
  const epsilon = Math.max(0, least);
  const draws = costs.reduce(
    (sum, { mechanism, size, clients }) => sum + (mechanism === "skellam" ? size * clients : 0),
    0,
  );
  const spent = epsilon + Math.log1p(Math.exp(-epsilon)) + Math.log(draws * DRAW_ERROR);
  return spent <= Math.log(delta * RESERVE) ? epsilon : Infinity;
};

/** The whole orders that Python looks at, from 2 to those that matter for a tiny epsilon. */
const orders = (): Set<number> => {
  const found = new Set<number>();
  for (let order = 2; order <= 128; order += 1) found.add(order);
  for (let step = 0; step < 200; step += 1) {
    found.add(Math.round(129 * (1e6 / 129) ** (step / 199)));
  }
  return found;
};

const renyi = ({ mechanism, multiplier, sensitivity, size }: Cost, order: number): number => {
  if (mechanism === "gaussian") return order / (2 * multiplier ** 2);
  const variance = (multiplier * sensitivity) ** 2;
  const squared = sensitivity ** 2;
  const absolute = Math.min(Math.sqrt(size) * sensitivity, squared);
  const second = ((2 * order - 1) * squared + 6 * absolute) / (4 * variance ** 2);
  return (order * squared) / (2 * variance) + Math.min(second, (3 * absolute) / (2 * variance));
};

/** Invert the closed form by bisection; the answer errs upwards, by the last bits. */
const gaussianEpsilon = (multiplier: number, delta: number): number => {
  const goal = Math.log(delta);
  if (logDelta(0, multiplier) <= goal) return 0;
  let low = 0;
  // Concentrated differential privacy bounds it from above (Bun and Steinke 2016).
  let high = 1 / (2 * multiplier ** 2) + Math.sqrt(-2 * goal) / multiplier;
  for (let step = 0; step < 100; step += 1) {
    const middle = (low + high) / 2;
    if (logDelta(middle, multiplier) > goal) low = middle;
    else high = middle;
  }
  return high;
};

const logDelta = (epsilon: number, multiplier: number): number => {
  const centre = -epsilon * multiplier;
  const half = 1 / (2 * multiplier);
  const more = logNormal(centre + half);
  const less = epsilon + logNormal(centre - half);
  return less < more ? more + Math.log(-Math.expm1(less - more)) : -Infinity;
};

/** Return the logarithm of the normal distribution function: a series, and a fraction for tails. */
const logNormal = (x: number): number => {
  const density = -(x * x) / 2 - Math.log(2 * Math.PI) / 2;
  if (x > 3) return Math.log1p(-Math.exp(logNormal(-x)));
  if (x < -3) {
    let mills = -x;
    for (let step = 200; step > 0; step -= 1) mills = step / mills - x;
    return density - Math.log(mills);
  }
  let term = x;
  let sum = x;
  for (let odd = 3; Math.abs(term) > Math.abs(sum) * 1e-17; odd += 2) {
    term *= (x * x) / odd;
    sum += term;
  }
  return Math.log(0.5 + Math.exp(density) * sum);
};
