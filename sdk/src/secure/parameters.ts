/**
 * How many neighbours hold shares of a client's secrets, and how many of them recover one (Bell et
 * al., CCS 2020).
 */
import { insist } from "../insist.js";

/** Against what a sum is secured. */
export interface Assumptions {
  /** The largest share of clients in league with the server. */
  readonly adversaries: number;
  /** The largest share of clients that vanish. */
  readonly dropouts: number;
  /** Whether the server may deviate once keys are collected, or only look on. */
  readonly semiMalicious: boolean;
}

/** A secret is safe but for a chance of 2**-40, of which each of two events gets half. */
const BETRAYED = 2 ** -41;
const FAILED = 2 ** -20;
const COMPLETE = 100;

/** The fewest neighbours, and their lowest threshold, that are private and robust. */
export function chooseNeighbours(
  clients: number,
  assumptions: Assumptions,
): { neighbours: number; threshold: number } {
  const everyone = clients - 1;
  for (let degree = clients <= COMPLETE ? everyone : 2; ; degree = Math.min(degree + 2, everyone)) {
    const threshold = lowestPrivate(clients, degree, assumptions);
    if (threshold <= highestRobust(clients, degree, assumptions)) {
      return { neighbours: degree, threshold };
    }
    insist(degree < everyone, "too-few-clients");
  }
}

/** Whether a threshold keeps secrets: the part that a client checks for itself. */
export const isPrivate = (
  clients: number,
  degree: number,
  threshold: number,
  assumptions: Assumptions,
): boolean =>
  lowestPrivate(clients, degree, assumptions) <= threshold && threshold <= degree;

/** The lowest private threshold, or one that nobody reaches. */
function lowestPrivate(clients: number, degree: number, assumptions: Assumptions): number {
  const { adversaries, dropouts, semiMalicious } = assumptions;
  const corrupt = atMost(adversaries, clients);
  const gone = Math.min(clients, corrupt + atMost(dropouts, clients));
  if (cut(clients, degree, gone) > BETRAYED) return degree + 1;
  const chances = chancesOf(clients - 1, Math.min(corrupt, clients - 1), degree);
  // The fewest adversaries of whom no client has so many among its neighbours.
  let enough = degree + 1;
  for (let tail = 0; enough > 0; enough--) {
    tail += chances[enough - 1]!;
    if (tail * clients > BETRAYED) break;
  }
  return Math.max(1, semiMalicious ? Math.ceil((degree + enough) / 2) : enough);
}

/** The highest threshold that the survivors of every neighbourhood reach. */
function highestRobust(clients: number, degree: number, { dropouts }: Assumptions): number {
  const alive = Math.max(0, clients - 1 - atMost(dropouts, clients));
  let below = 0;
  return chancesOf(clients - 1, alive, degree).filter((chance) => {
    below += chance;
    return below * clients <= FAILED;
  }).length;
}

/** How many clients a share is, at least one where there are any. */
const atMost = (share: number, clients: number): number =>
  share > 0 ? Math.max(1, Math.floor(share * clients + 1e-9)) : 0;

/** The hypergeometric probabilities of 0 to `drawn` marked ones. */
function chancesOf(population: number, marked: number, drawn: number): number[] {
  const whole = logChoose(population, drawn);
  return Array.from({ length: drawn + 1 }, (_, hits) =>
    hits <= marked && drawn - hits <= population - marked
      ? Math.exp(logChoose(marked, hits) + logChoose(population - marked, drawn - hits) - whole)
      : 0,
  );
}

/** A bound on the chance that the graph falls apart once the missing are taken out. */
function cut(clients: number, degree: number, gone: number): number {
  if (degree >= clients - 1 || gone < degree) return 0;
  const chance = Math.exp(logChoose(gone, degree) - logChoose(clients, degree));
  return (chance * clients * clients) / 2;
}

const logChoose = (total: number, chosen: number): number =>
  logFactorial(total) - logFactorial(chosen) - logFactorial(total - chosen);

/** Stirling's series, above a number from which the terms left out are below 1e-14. */
function logFactorial(n: number): number {
  let z = n + 1;
  let lifted = 1;
  while (z < 16) lifted *= z++;
  const square = 1 / (z * z);
  const series = (1 / 12 - square * (1 / 360 - square * (1 / 1260 - square / 1680))) / z;
  return (z - 0.5) * Math.log(z) - z + Math.log(2 * Math.PI) / 2 + series - Math.log(lifted);
}
