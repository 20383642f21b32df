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
    /** At how many clients, such as browsers, a visitor may be for the promise to hold. */
    clientsPerPerson: number;
    /** The most releases that are contributed to in 24 hours. */
    perDay: number;
    /**
     * Without an epsilon, to the exact sums of how many runs is contributed, of all tasks together: two
     * that differ by one client tell what it sent.
     */
    exactRuns: number;
}
/** What is insisted on where the shop sets nothing else. */
export declare const DEFAULT_GUARD: Guard;
