/** What goes wrong, by a code for programs and one sentence for people. */
export declare class HedgerowError extends Error {
    readonly code: string;
    readonly name = "HedgerowError";
    constructor(code: string, sentence: string);
}
/** What went wrong, as it is told between a page and its worker. */
export interface Problem {
    code: string;
    sentence: string;
}
export declare const asProblem: (problem: unknown) => Problem;
/** Return what was thrown as an error of ours; of what is not foreseen, its message. */
export declare const asError: (problem: unknown) => HedgerowError;
