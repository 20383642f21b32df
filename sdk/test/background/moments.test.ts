import { expect, test } from "vitest";
import { isSuitable } from "../../src/background/moments.js";

const battery = (charging: boolean, level: number) => async () => ({ charging, level });

test.each([
  ["a browser that says nothing", {}, true],
  ["no network", { onLine: false }, false],
  ["who saves data", { connection: { saveData: true } }, false],
  ["a metered network", { connection: { type: "cellular" } }, false],
  ["an unmetered one", { connection: { saveData: false, type: "wifi" } }, true],
  ["a low battery", { getBattery: battery(false, 0.49) }, false],
  ["one that is charged", { getBattery: battery(true, 0.1) }, true],
  ["one that is full enough", { getBattery: battery(false, 0.5) }, true],
  ["one that must not be read", { getBattery: () => Promise.reject(new Error("no")) }, true],
])("%s", async (_, device, suitable) => {
  expect(await isSuitable(device)).toBe(suitable);
});
