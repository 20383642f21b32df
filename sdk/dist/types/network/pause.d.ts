/** Waiting, which a signal ends. */
/** Wait for some seconds, or throw as soon as the signal says so. */
export declare const pause: (seconds: number, signal: AbortSignal) => Promise<void>;
