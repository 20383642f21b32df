/** The promise that a shop makes to its visitors, which the guard keeps. */

/** What a shop promises its visitors; a sum that falls below is refused. */
export interface Guard {
  /** How sums may be secured: `split`, between two servers, or `pairwise`, between clients. */
  secure: "split" | "pairwise";
  /** The fewest clients in a sum. */
  minimum: number;
  /** The shares of clients that may collude with the server, and that may vanish. */
  adversaries: number;
  dropouts: number;
  /** Whether, in pairwise mode, the server may also lie about who takes part. */
  semiMalicious: boolean;
  /** Whether, in pairwise mode, survivors are to be signed for. */
  consistency: boolean;
  /**
   * The most that a run may promise, and that all releases of all tasks may cost this browser
   * together; null goes along without differential privacy.
   */
  epsilon: number | null;
  /** Of that epsilon, and the largest that a run may promise. */
  delta: number;
  /** Of how many clients, such as browsers, a promise must protect one person. */
  clientsPerPerson: number;
  /** The most releases that are contributed to in 24 hours. */
  perDay: number;
  /**
   * The most runs without an epsilon that are contributed to, of all tasks together: the difference
   * of two sums over nearly the same people tells what those few did who are in one only.
   */
  exactRuns: number;
}

/** What is insisted on where the shop sets nothing else. */
export const DEFAULT_GUARD: Guard = {
  secure: "split",
  minimum: 20,
  adversaries: 0.2,
  dropouts: 0.1,
  semiMalicious: true,
  consistency: true,
  epsilon: 10,
  delta: 1e-5,
  clientsPerPerson: 1,
  perDay: 500,
  exactRuns: 1,
};
