/** Refuses, under a code, whatever does not hold; the code's words are the reason. */
export declare function insist(holds: unknown, code: string): asserts holds;
