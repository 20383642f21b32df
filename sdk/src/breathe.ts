/**
 * Lets all that waits in this thread run first. Long work does this every few milliseconds itself:
 * Chromium's WebCrypto gives back without doing so. Timers are no use, as browsers slow them down.
 */
export const breathe = (): Promise<void> =>
  new Promise((resume) => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => {
      port1.close();
      resume();
    };
    port2.postMessage(0);
  });
