/** Against what a sum is secured. */
export interface Assumptions {
    /** The largest share of clients in league with the server. */
    readonly adversaries: number;
    /** The largest share of clients that vanish. */
    readonly dropouts: number;
    /** Whether the server may deviate once keys are collected, or only look on. */
    readonly semiMalicious: boolean;
}
/** The fewest neighbours, and their lowest threshold, that are private and robust. */
export declare function chooseNeighbours(clients: number, assumptions: Assumptions): {
    neighbours: number;
    threshold: number;
};
/** Whether a threshold keeps secrets: the part that a client checks for itself. */
export declare const isPrivate: (clients: number, degree: number, threshold: number, assumptions: Assumptions) => boolean;
