/** Waiting, which a signal ends. */

/** Wait for some seconds, or throw as soon as the signal says so. */
export const pause = (seconds: number, signal: AbortSignal): Promise<void> =>
  new Promise((resolve, reject) => {
    signal.throwIfAborted();
    const stop = (): void => {
      clearTimeout(timer);
      reject(signal.reason);
    };
    const timer = setTimeout(() => {
      signal.removeEventListener("abort", stop);
      resolve();
    }, seconds * 1000);
    signal.addEventListener("abort", stop, { once: true });
  });

/** Seconds. */
const FIRST_RUNG = 1 / 32;

/**
 * Return in how many seconds a contribution leaves that took so many to compute: at the next of the
 * moments 1/32 s, 1/16 s, 1/8 s and so on after the history was opened. So the time tells one of a
 * few lengths, which are mostly the same for everybody, and not how much there was to compute.
 */
export const untilRung = (seconds: number): number => {
  let rung = FIRST_RUNG;
  while (rung < seconds) rung *= 2;
  return rung - seconds;
};
