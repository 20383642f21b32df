/** Waiting, which a signal ends. */
/** Wait for some seconds, or throw as soon as the signal says so. */
export declare const pause: (seconds: number, signal: AbortSignal) => Promise<void>;
/**
 * Return in how many seconds a contribution leaves that took so many to compute: at the next of the
 * moments 1/32 s, 1/16 s, 1/8 s and so on after the history was opened. So the time tells one of a
 * few lengths, which are mostly the same for everybody, and not how much there was to compute.
 */
export declare const untilRung: (seconds: number) => number;
