/** When to work: on an unmetered network, with enough power, and while the page is idle. */
import { pause } from "../network/pause.js";

/** Seconds after which conditions are looked at again. */
const LOOK = 60;

/** Below this share of its charge, a battery is spared. */
const LEAST_CHARGE = 0.5;

interface Device {
  onLine?: boolean;
  connection?: { saveData?: boolean; type?: string };
  getBattery?: () => Promise<{ charging: boolean; level: number }>;
}

/** Return whether the network and the battery can be used in the background. */
export const isSuitable = async (device: Device): Promise<boolean> => {
  const { onLine = true, connection } = device;
  if (!onLine || connection?.saveData || connection?.type === "cellular") return false;
  const battery = await device.getBattery?.().catch(() => undefined);
  return !battery || battery.charging || battery.level >= LEAST_CHARGE;
};

/** Wait until there is nothing better to do; looked at again when the browser is back online. */
export const goodMoment = async (signal: AbortSignal): Promise<void> => {
  while (!(await isSuitable(navigator as Device))) await untilOnline(LOOK, signal);
  await new Promise<void>((resolve) => {
    if (typeof requestIdleCallback === "function") requestIdleCallback(() => resolve());
    else setTimeout(resolve, 1000);
  });
  signal.throwIfAborted();
};

/** Wait for some seconds, or until the browser is online again. */
export const untilOnline = async (seconds: number, signal: AbortSignal): Promise<void> => {
  const back = new AbortController();
  const online = (): void => back.abort();
  globalThis.addEventListener?.("online", online, { once: true });
  try {
    await pause(seconds, AbortSignal.any([signal, back.signal]));
  } catch {
    signal.throwIfAborted();
  } finally {
    globalThis.removeEventListener?.("online", online);
  }
};
