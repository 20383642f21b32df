import "fake-indexeddb/auto";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Hedgerow, type Part } from "../src/index.js";
import { eraseDatabase } from "../src/store/database.js";
import { inBrowser } from "./background/browser.js";
import { serve, until } from "./local-server.js";
import {
  askNamed,
  coordinate,
  fileFor,
  type LocalCoordinator,
} from "./network/local-coordinator.js";

const TASK = "bought-next";
const STEP = askNamed("bought-next/0");

interface Page {
  hedgerow: Hedgerow;
  parts: Part[];
  problems: string[];
}

let coordinator: LocalCoordinator;
let model: string;
const open: Hedgerow[] = [];

beforeEach(async () => {
  inBrowser();
  const file = await fileFor(STEP);
  coordinator = await coordinate(STEP, file);
  model = (await serve(() => ({ body: file }))).url;
});

afterEach(async () => {
  for (const page of open.splice(0)) page.close();
  vi.unstubAllGlobals();
  await eraseDatabase();
});

/** A page without workers, which imports the worker's file. */
const visit = async (): Promise<Page> => {
  const hedgerow = await Hedgerow.create({
    task: TASK,
    model,
    coordinator: coordinator.url,
    worker: new URL("../src/worker.ts", import.meta.url).href,
    trust: coordinator.trust,
    enrol: async () => [...coordinator.tokens][0]!,
  });
  open.push(hedgerow);
  const [parts, problems]: [Part[], string[]] = [[], []];
  hedgerow.on("round", (part) => parts.push(part));
  hedgerow.on("error", ({ code }) => problems.push(code));
  hedgerow.participate();
  return { hedgerow, parts, problems };
};

const agreed = async (page: Page): Promise<void> => {
  await page.hedgerow.consent.set({ recommend: true, train: true, measure: true });
  await page.hedgerow.track("view", "sku-3");
};

const askedFor = (text: string): boolean =>
  coordinator.asked.some(({ path }) => path.includes(text));

test("a visitor who agrees takes part, and may see what has left", async () => {
  const page = await visit();
  await new Promise((resolve) => setImmediate(resolve));
  expect(coordinator.asked).toEqual([]);
  await agreed(page);
  await until(() => page.parts.length);
  expect(page.parts[0]).toMatchObject({ release: "bought-next/0", purpose: "step" });
  const { sent, budget, participating, where } = await page.hedgerow.status();
  expect(sent).toMatchObject([{ kind: "report", bytes: coordinator.reports[0]!.length }]);
  expect([budget!.releases, participating, where]).toEqual([1, true, "page"]);
});

test("a release that was answered is refused, and the visitor's page told", async () => {
  const page = await visit();
  await agreed(page);
  await until(() => page.problems.length);
  expect(page.problems).toEqual(["answered-before"]);
  expect(coordinator.reports.length).toBe(1);
});

test.each(["/v1/check-in", "/v1/models"])(
  "withdrawing ends a round at once, at %s",
  async (stall) => {
    coordinator.stall = stall;
    const page = await visit();
    await agreed(page);
    await until(() => askedFor(stall));
    void page.hedgerow.consent.set({ train: false });
    await until(() => coordinator.hungUp.length);
    coordinator.stall = "";
    // What is left of the consent lets the next round begin, which is for something else.
    await until(() => page.problems.includes("no-consent"));
    expect(coordinator.reports).toEqual([]);
  },
);

test("forgetting in the middle of a round leaves nothing, and nothing is sent", async () => {
  coordinator.stall = "/v1/models";
  const page = await visit();
  await agreed(page);
  await until(() => askedFor("/v1/models"));
  await page.hedgerow.forget();
  expect(await indexedDB.databases()).toEqual([]);
  coordinator.release();
  await until(() => coordinator.hungUp.length);
  expect(coordinator.reports).toEqual([]);
  expect(await page.hedgerow.status()).toMatchObject({ participating: false, where: null });
  expect(await indexedDB.databases()).toEqual([]);
  expect(page.problems).toEqual([]);
});

test("one tab takes part, and another after it was closed", async () => {
  coordinator.stall = "/v1/check-in";
  const one = await visit();
  await agreed(one);
  const other = await visit();
  await until(() => askedFor("/v1/check-in"));
  expect(await other.hedgerow.status()).toMatchObject({ participating: true, where: null });
  expect(coordinator.asked.filter(({ path }) => path.includes("check-in")).length).toBe(1);
  one.hedgerow.close();
  await until(() => coordinator.hungUp.length === 1);
  coordinator.stall = "";
  await until(() => other.parts.length === 1);
  expect(one.parts).toEqual([]);
});
