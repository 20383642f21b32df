import "fake-indexeddb/auto";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { Hedgerow, type HedgerowError, type Options } from "../src/index.js";
import { eraseDatabase } from "../src/store/database.js";
import { inBrowser } from "./background/browser.js";
import { type Answered, type LocalServer, serve, until } from "./local-server.js";
import { fileOf, models } from "./models/vectors.js";
import { refusal } from "./secure/golden.js";

const fileNamed = (recipe: string): Uint8Array =>
  fileOf(models.filter((told) => told.recipe === recipe).at(-1)!);

let host: LocalServer;
let file: Answered;
const open: Hedgerow[] = [];

beforeEach(async () => {
  inBrowser();
  file = { headers: { etag: '"1"' }, body: fileNamed("als") };
  host = await serve(({ headers }) =>
    headers["if-none-match"] && headers["if-none-match"] === file.headers?.etag
      ? { status: 304 }
      : file,
  );
});

afterEach(async () => {
  for (const page of open.splice(0)) page.close();
  vi.useRealTimers();
  vi.unstubAllGlobals();
  await eraseDatabase();
});

const visit = async (options: Partial<Options> = {}): Promise<Hedgerow> => {
  const page = await Hedgerow.create({ task: "shop", model: `${host.url}/model`, ...options });
  open.push(page);
  return page;
};

const items = async (page: Hedgerow, k = 12): Promise<string[]> =>
  (await page.recommend({ k })).map(({ item }) => item);

const ALL = { recommend: true, train: true, measure: true };

describe("before any consent", () => {
  test("recommends from an empty history, stores nothing and tracks nothing", async () => {
    const page = await visit();
    expect(page.consent.get()).toEqual({ recommend: false, train: false, measure: false });
    const before = await items(page);
    expect(before.length).toBe(12);
    expect(await page.track("view", "sku-1")).toBe(false);
    expect(await items(page)).toEqual(before);
    expect(await indexedDB.databases()).toEqual([]);
    expect(host.asked.map(({ method }) => method)).toEqual(["GET"]);
  });
});

describe("with consent", () => {
  test("what was just done is in the next recommendation", async () => {
    const page = await visit();
    const agreed = page.consent.set(ALL);
    const before = await items(page);
    const tracked = page.track("view", before[0]!);
    const after = await items(page);
    expect(after).not.toContain(before[0]);
    expect(after.length).toBe(11);
    expect(await tracked).toBe(true);
    await agreed;
  });

  test("recommendations have ids, titles, ranks and falling scores", async () => {
    const page = await visit();
    await page.consent.set(ALL);
    await page.track("view", "sku-4");
    const found = await page.recommend({ k: 3, filter: (item) => item !== "sku-2" });
    expect(found.map(({ rank }) => rank)).toEqual([1, 2, 3]);
    const scores = found.map(({ score }) => score);
    expect(scores).toEqual([...scores].sort((a, b) => b - a));
    expect(found.every(({ item, title }) => item !== "sku-2" && title.length > 0)).toBe(true);
    const [again] = await page.recommend({
      k: 1,
      filter: (item) => item === "sku-4",
      repeats: true,
    });
    expect(again!.item).toBe("sku-4");
    const varied = await page.recommend({ k: 11, diversify: 0.9 });
    expect(new Set(varied.map(({ item }) => item)).size).toBe(11);
  });

  test("says which of the visitor's own items speak for another", async () => {
    const page = await visit();
    await page.consent.set(ALL);
    for (const item of ["sku-4", "sku-7", "unheard-of"]) await page.track("view", item);
    const reasons = await page.explain("sku-1");
    expect(new Set(reasons.map(({ item }) => item))).toEqual(new Set(["sku-4", "sku-7"]));
    expect(await refusal(() => page.explain("unheard-of"))).toBe("bad-item");
  });

  test("items that the model lacks are kept for a later one, and not used", async () => {
    const page = await visit();
    await page.consent.set(ALL);
    const before = await items(page);
    await page.track("view", "new-in-shop");
    expect(await items(page)).toEqual(before);
    expect(await page.status()).toMatchObject({ interactions: 1, known: 0, lasting: true });
  });

  test("an interaction counts as much as its kind is said to", async () => {
    const scores: number[] = [];
    for (const basket of [1, 5]) {
      const page = await visit({ weights: { basket } });
      await page.consent.set(ALL);
      await page.track("basket", "sku-4");
      scores.push((await page.recommend({ k: 1 }))[0]!.score);
      await page.forget();
    }
    expect(scores[0]).not.toBeCloseTo(scores[1]!, 3);
  });

  test("without the one to recommend, recommendations know nothing", async () => {
    const page = await visit();
    const before = await items(page);
    await page.consent.set({ train: true });
    await page.track("view", before[0]!);
    expect(await items(page)).toEqual(before);
    await page.consent.set({ recommend: true });
    expect(await items(page)).not.toContain(before[0]);
  });

  test("another tab knows it, and the next page", async () => {
    const [one, other] = [await visit(), await visit()];
    const heard: string[] = [];
    other.on("change", (what) => heard.push(what));
    await one.consent.set(ALL);
    await one.track("purchase", "sku-3");
    await until(() => heard.includes("history") && heard.includes("consent"));
    for (const page of [one, other, await visit()]) {
      expect(await items(page)).toEqual(await items(one));
      expect((await page.status()).interactions).toBe(1);
      expect(page.history()).toMatchObject([{ item: "sku-3", kind: "purchase" }]);
    }
  });

  test("the visitor may see what is recorded of them, the newest last", async () => {
    const page = await visit({ weights: { basket: 3 } });
    await page.consent.set(ALL);
    const before = Math.floor(Date.now() / 1000);
    await page.track("view", "sku-3");
    await page.track("basket", "sku-1");
    const seen = page.history();
    expect(seen.map(({ item, kind }) => [item, kind])).toEqual([
      ["sku-3", "view"],
      ["sku-1", "basket"],
    ]);
    expect(Object.keys(seen[1]!)).toEqual(["item", "kind", "time"]);
    expect(seen.every(({ time }) => time >= before && time <= Date.now() / 1000)).toBe(true);
    await page.consent.set({ recommend: false, train: false, measure: false });
    expect(page.history()).toEqual([]);
  });

  test("forgetting leaves nothing", async () => {
    const page = await visit();
    const before = await items(page);
    await page.consent.set(ALL);
    await page.track("view", before[0]!);
    await page.forget();
    expect(await indexedDB.databases()).toEqual([]);
    expect(page.consent.get()).toEqual({ recommend: false, train: false, measure: false });
    expect(await items(page)).toEqual(before);
    expect(await page.status()).toMatchObject({ interactions: 0, sent: [], budget: null });
  });

  test("what is no item is refused", async () => {
    const page = await visit();
    for (const wrong of ["", " ", "x".repeat(257), undefined as unknown as string]) {
      expect(await refusal(() => page.track("view", wrong))).toBe("bad-item");
      expect(await refusal(() => page.track(wrong, "sku-1"))).toBe("bad-item");
    }
  });
});

describe("the shop's model", () => {
  const later = async (page: Hedgerow, minutes = 20): Promise<void> => {
    vi.spyOn(Date, "now").mockReturnValue(Date.now() + minutes * 60_000);
    await page.recommend();
    vi.restoreAllMocks();
  };

  test("is fetched again when it has changed", async () => {
    const page = await visit();
    const heard: string[] = [];
    page.on("change", (what) => heard.push(what));
    await later(page);
    await until(() => host.asked.length === 2);
    expect(host.asked[1]!.headers["if-none-match"]).toBe('"1"');
    const before = (await page.recommend({ k: 12 })).map(({ score }) => score);
    file = { headers: { etag: '"2"' }, body: fileNamed("private_sequence") };
    heard.length = 0;
    await later(page, 40);
    await until(() => heard.length);
    expect(heard).toEqual(["model"]);
    expect((await page.recommend({ k: 12 })).map(({ score }) => score)).not.toEqual(before);
  });

  test("of an unknown format leaves the one before in place, which is said", async () => {
    const page = await visit();
    const problems: HedgerowError[] = [];
    page.on("error", (problem) => problems.push(problem));
    const before = await items(page);
    file = { headers: { etag: '"2"' }, body: Uint8Array.of(1, 2, 3) };
    await later(page);
    await until(() => problems.length);
    expect(problems[0]!.code).toBe("bad-model");
    expect(await items(page)).toEqual(before);
  });

  test("that is not there yet is said, and asked for again", async () => {
    file = { status: 404 };
    const page = await visit();
    const problems: string[] = [];
    page.on("error", ({ code }) => problems.push(code));
    expect(await refusal(() => page.recommend())).toBe("no-model");
    await until(() => problems.length === 2);
    file = { body: fileNamed("als") };
    expect((await items(page)).length).toBe(12);
  });
});

describe("options", () => {
  const trust = {
    authority: "a1".repeat(32),
    coordinator: "b2".repeat(32),
    helper: "c3".repeat(32),
    sealing: "d4".repeat(32),
  };
  const taking = {
    coordinator: "https://federation.example.org",
    worker: "https://shop.example.org/hedgerow-worker.js",
    trust,
    enrol: async () => "het_1",
  };

  test.each<[string, Partial<Options>]>([
    ["a task without a name", { task: "" }],
    ["no model", { model: "" }],
    ["a weight below 0", { weights: { view: -1 } }],
    ["plain HTTP", { ...taking, coordinator: "http://federation.example.org" }],
    ["no worker", { ...taking, worker: "" }],
    ["a key that is none", { ...taking, trust: { ...trust, helper: "c3" } }],
    ["a sum of one", { ...taking, floor: { minimum: 1 } }],
    ["nobody honest", { ...taking, floor: { adversaries: 0.95 } }],
    ["no epsilon at all", { ...taking, floor: { epsilon: 0 } }],
    ["a delta of 1", { ...taking, floor: { delta: 1 } }],
    ["a person at no client", { ...taking, floor: { clientsPerPerson: 0 } }],
    ["less than no exact run", { ...taking, floor: { exactRuns: -1 } }],
  ])("%s is refused", async (_, options) => {
    expect(await refusal(() => visit(options))).toBe("bad-options");
  });

  test("taking part takes a coordinator, and consent", async () => {
    const page = await visit();
    expect(await refusal(() => page.participate())).toBe("bad-options");
    const other = await visit(taking);
    other.participate();
    expect((await other.status()).participating).toBe(false);
    await other.consent.set({ recommend: true });
    expect((await other.status()).participating).toBe(false);
  });
});
