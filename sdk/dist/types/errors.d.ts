/** What goes wrong, by a code for programs and one sentence for people. */
export declare class HedgerowError extends Error {
    readonly code: string;
    readonly name = "HedgerowError";
    constructor(code: string, sentence: string);
}
/** Return what was thrown as an error of ours; of what is not foreseen, its message. */
export declare const asError: (problem: unknown) => HedgerowError;
