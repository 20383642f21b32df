/**
 * Lets all that waits in this thread run first. Long work does this every few milliseconds itself:
 * Chromium's WebCrypto gives back without doing so. Timers are no use, as browsers slow them down.
 */
export declare const breathe: () => Promise<void>;
