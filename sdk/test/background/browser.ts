/** What browsers have and Node has not, as far as the tests need it: Web Locks and idle moments. */
import { vi } from "vitest";

/** Locks by name, in the order in which they are asked for (Web Locks, W3C). */
export const webLocks = () => {
  const tails = new Map<string, Promise<unknown>>();
  return {
    request<T>(name: string, { signal }: { signal: AbortSignal }, work: () => Promise<T>) {
      const before = tails.get(name) ?? Promise.resolve();
      const held = before.then(() => {
        signal.throwIfAborted();
        return work();
      });
      tails.set(
        name,
        held.catch(() => {}),
      );
      return held;
    },
  };
};

/** Stand in for a browser until the test is over; returns what can be set about the device. */
export const inBrowser = (): {
  onLine: boolean;
  connection: { saveData: boolean; type: string };
  battery: { charging: boolean; level: number };
} => {
  const device = {
    onLine: true,
    connection: { saveData: false, type: "wifi" },
    battery: { charging: false, level: 1 },
    getBattery: async () => device.battery,
    locks: webLocks(),
  };
  vi.stubGlobal("navigator", device);
  vi.stubGlobal("requestIdleCallback", (callback: () => void) => setImmediate(callback));
  return device;
};
