import "fake-indexeddb/auto";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { Member, Outcome } from "../../src/background/messages.js";
import { unhex } from "../../src/bytes.js";
import { DEFAULT_GUARD, type Guard } from "../../src/network/promise.js";
import { memberOf } from "../../src/network/member.js";
import { statusOf } from "../../src/status.js";
import { eraseDatabase, openDatabase } from "../../src/store/database.js";
import { readIdentity } from "../../src/store/identity.js";
import { openVisitor, type Visitor } from "../../src/store/visitor.js";
import { until } from "../local-server.js";
import { askNamed, coordinate, fileFor, type LocalCoordinator, TOKEN } from "./local-coordinator.js";

const TASK = "bought-next";
const STEP = askNamed("bought-next/0");
const never = new AbortController().signal;

let coordinator: LocalCoordinator;
let visitor: Visitor;

beforeEach(async () => {
  coordinator = await coordinate(STEP, await fileFor(STEP));
  visitor = await openVisitor(TASK, { changed: () => {}, failed: () => {} });
  await visitor.agree({ train: true, measure: true }, "1");
  await visitor.add({ item: "sku-3", kind: "view", time: 1 });
  await visitor.add({ item: "sku-1", kind: "view", time: 2 });
});

afterEach(async () => {
  visitor.close();
  await eraseDatabase();
});

const member = (guard: Partial<Guard> = {}, trust = coordinator.trust): Member =>
  memberOf({
    task: TASK,
    coordinator: coordinator.url,
    trust,
    guard: { ...DEFAULT_GUARD, ...guard },
  });

const enrolled = (guard: Partial<Guard> = {}): Promise<Outcome> =>
  member(guard).take(TOKEN, never);

const problem = (outcome: Outcome): string | undefined =>
  "later" in outcome ? outcome.problem?.code : JSON.stringify(outcome);

/** Ask for the same release under another name, as after a failed attempt. */
const renamed = (name: string): string => STEP.replace("bought-next/0", name);

const status = () => statusOf(visitor);

describe("enrolling", () => {
  test("takes a token once, and the key stays in the browser", async () => {
    expect(await member().take(undefined, never)).toEqual({ token: true });
    expect(coordinator.asked).toEqual([]);
    expect(await enrolled()).toHaveProperty("part");
    coordinator.ask = renamed("bought-next/1");
    expect(await member().take(undefined, never)).toHaveProperty("part");
    const database = (await openDatabase(false))!;
    const { privateKey } = (await readIdentity(database, coordinator.trust.authority))!;
    database.close();
    expect(privateKey.extractable).toBe(false);
    await expect(crypto.subtle.exportKey("pkcs8", privateKey)).rejects.toThrow();
  });

  test("a used token is refused with the coordinator's words", async () => {
    coordinator.tokens.clear();
    expect(await enrolled()).toEqual({
      later: 1,
      problem: { code: "unknown-token", sentence: "It was used." },
    });
    expect(await member().take(undefined, never)).toEqual({ token: true });
  });

  test("is done anew with another authority", async () => {
    await enrolled();
    const other = await coordinate(renamed("bought-next/1"), await fileFor(STEP));
    coordinator = other;
    expect(await member().take(undefined, never)).toEqual({ token: true });
    expect(await member().take(TOKEN, never)).toHaveProperty("part");
  });

  test("goes to no other servers than the pinned ones", async () => {
    const posed = { ...coordinator.trust, helper: "ab".repeat(32) };
    expect(problem(await member({}, posed).take(TOKEN, never))).toBe("other-servers");
    expect(coordinator.tokens.has(TOKEN)).toBe(true);
  });
});

describe("taking part", () => {
  test("sends one report, which the receipt counts, and the visitor may see that", async () => {
    const outcome = await enrolled();
    const bytes = coordinator.reports[0]!.length;
    expect(outcome).toMatchObject({
      part: { release: "bought-next/0", purpose: "step", model: "09".repeat(32), bytes },
    });
    expect(await status()).toMatchObject({
      sent: [{ kind: "report", bytes, round: "0" }],
      releases: [{ release: "bought-next/0", answers: [{ stage: "reported" }] }],
      budget: { of: 10, delta: 1e-5, unit: "user", clientsPerPerson: 1, mechanism: "gaussian", releases: 1 },
    });
    const { epsilon } = (await status()).budget!;
    expect(epsilon).toBeGreaterThan(0.5);
    expect(epsilon).toBeLessThan(8);
  });

  test("a release is answered once, also after a restart", async () => {
    await enrolled();
    expect(problem(await member().take(undefined, never))).toBe("answered-before");
    expect(coordinator.reports.length).toBe(1);
  });

  test("a model is fetched once", async () => {
    await enrolled();
    coordinator.ask = renamed("bought-next/1");
    await member().take(undefined, never);
    expect(coordinator.asked.filter(({ path }) => path.startsWith("/v1/models/")).length).toBe(1);
  });

  test("the last model stays in memory for the next round", async () => {
    const own = member();
    await own.take(TOKEN, never);
    const database = (await openDatabase(false))!;
    await database.run(["models"], "readwrite", async (transaction) =>
      transaction.objectStore("models").clear(),
    );
    database.close();
    coordinator.ask = renamed("bought-next/1");
    expect(await own.take(undefined, never)).toHaveProperty("part");
    expect(coordinator.asked.filter(({ path }) => path.startsWith("/v1/models/")).length).toBe(1);
  });

  /** Let nothing be written to a store meanwhile, as where the disk is full or the page crashes. */
  const without = async (store: string, work: () => Promise<Outcome>): Promise<Outcome> => {
    const { put } = IDBObjectStore.prototype;
    const full = vi.spyOn(IDBObjectStore.prototype, "put");
    full.mockImplementation(function (this: IDBObjectStore, ...given) {
      if (this.name === store) throw new DOMException("", "QuotaExceededError");
      return put.apply(this, given);
    });
    const outcome = await work();
    full.mockRestore();
    return outcome;
  };

  test("is claimed and charged as a whole or not at all", async () => {
    expect(await without("values", enrolled)).toHaveProperty("problem");
    expect(await without("releases", enrolled)).toHaveProperty("problem");
    expect(coordinator.reports).toEqual([]);
    expect(await status()).toMatchObject({ sent: [], releases: [], budget: null });
  });

  test("goes on in the same session after a crash between the claim and the report", async () => {
    expect(await without("outgoing", enrolled)).toHaveProperty("problem");
    expect(coordinator.reports).toEqual([]);
    const { budget, releases, sent } = await status();
    expect([sent, releases[0]!.answers[0]!.stage]).toEqual([[], "started"]);
    coordinator.again = true;
    expect(await member().take(undefined, never)).toHaveProperty("part");
    expect(coordinator.reports.length).toBe(1);
    expect((await status()).budget).toEqual(budget);
  });

  test("nothing is asked for without consent, nor without a database", async () => {
    await visitor.agree({ train: false, measure: false }, "1");
    expect(await enrolled()).toEqual({ later: 30 });
    await visitor.forget();
    expect(await enrolled()).toEqual({ later: 30 });
    expect(coordinator.asked).toEqual([]);
    expect(await openDatabase(false)).toBeUndefined();
  });

  test("a round that failed is no reason to wait long", async () => {
    coordinator.lose = true;
    expect(await enrolled()).toMatchObject({ later: 1, problem: { code: "wrong-phase" } });
  });

  test("a report that was lost is sent again as it was", async () => {
    coordinator.lose = true;
    await enrolled();
    // The same round is entered again, as after a crash of this browser.
    Object.assign(coordinator, { lose: false, again: true });
    expect(await member().take(undefined, never)).toHaveProperty("part");
    const [first, second] = coordinator.reports;
    expect(second).toEqual(first);
    expect(coordinator.reports.length).toBe(2);
    expect((await status()).budget!.releases).toBe(1);
  });

  test("a receipt for something else is noticed", async () => {
    coordinator.forge = true;
    expect(problem(await enrolled())).toBe("bad-receipt");
  });
});

describe("a coordinator that asks for too much is sent nothing", () => {
  const refused = async (code: string, guard: Partial<Guard> = {}): Promise<void> => {
    expect(problem(await enrolled(guard))).toBe(code);
    expect(coordinator.reports).toEqual([]);
    expect((await status()).sent).toEqual([]);
    expect((await status()).budget).toBeNull();
  };

  test.each([
    ["minimum", { minimum: 2 }],
    ["bits", { bits: 32 }],
    ["words", { words: 1000 }],
    ["clients", { clients: 5 }],
    ["model", { model: unhex("00".repeat(32)) }],
    ["config", { config: unhex("00".repeat(32)) }],
  ])("by lying about the %s of its terms", async (_, bend) => {
    coordinator.bend = bend;
    await refused("bad-terms");
  });

  test("by the mode", async () => {
    await refused("weak-mode", { secure: "pairwise" });
  });

  test("by too few clients", async () => {
    await refused("weak-minimum", { minimum: 21 });
  });

  test("by too large an epsilon", async () => {
    await refused("weak-epsilon", { epsilon: 7.9 });
  });

  test("by noise that does not keep what is promised", async () => {
    coordinator.ask = STEP.replace('"multiplier":3.2', '"multiplier":0.2');
    await refused("false-promise");
  });

  test("by another model than the one that was named", async () => {
    coordinator.ask = STEP.replace(/"model":"[0-9a-f]{64}"/, `"model":"${"ab".repeat(32)}"`);
    await refused("other-model");
  });

  test("by another task", async () => {
    coordinator.ask = STEP.replace('"task":"bought-next"', '"task":"other"');
    await refused("other-task");
  });

  test("by a purpose that was not agreed to", async () => {
    await visitor.agree({ train: false }, "1");
    await refused("no-consent");
  });

  test("by all releases together", async () => {
    const guard = { epsilon: 8 };
    let count = 0;
    let outcome = await enrolled(guard);
    while ("part" in outcome) {
      count += 1;
      coordinator.ask = renamed(`bought-next/${count}`);
      outcome = await member(guard).take(undefined, never);
    }
    expect(problem(outcome)).toBe("spent");
    expect(coordinator.reports.length).toBe(count);
    expect(count).toBeGreaterThan(2);
    expect((await status()).budget).toMatchObject({ releases: count, of: 8 });
    expect((await status()).budget!.epsilon).toBeLessThanOrEqual(8);
  });
});

describe("several tasks of one browser", () => {
  const named = (task: string): string =>
    STEP.replaceAll('"bought-next', `"${task}`).replace(`${task}/0`, `${task}/0/0`);

  /** Take part in the first release of a task, with the visitor's consent to that. */
  const first = async (task: string, guard: Partial<Guard>, ask = named(task)) => {
    const own = await coordinate(ask, await fileFor(STEP));
    const theirs = await openVisitor(task, { changed: () => {}, failed: () => {} });
    await theirs.agree({ train: true }, "1");
    theirs.close();
    const settings = { task, coordinator: own.url, guard: { ...DEFAULT_GUARD, ...guard } };
    return memberOf({ ...settings, trust: own.trust }).take(TOKEN, never);
  };

  test("spend one budget, whatever their names", async () => {
    // Of so little noise that two releases fit, and no third.
    const costly = (task: string) =>
      first(task, { epsilon: 8 }, named(task).replace('"multiplier":3.2', '"multiplier":1.0'));
    const outcomes = [];
    for (let number = 0; number < 5; number += 1) outcomes.push(await costly(`shop-${number}`));
    const codes = outcomes.map((found) => ("part" in found ? "part" : problem(found)));
    expect(codes).toEqual(["part", "part", "spent", "spent", "spent"]);
    const { budget } = await status();
    expect(budget!.releases).toBe(2);
    expect(budget!.epsilon).toBeLessThanOrEqual(8);
  });

  test("do not overspend at the same time", async () => {
    await first("shop-0", { epsilon: 8 });
    const alone = (await status()).budget!.epsilon;
    const guard = { epsilon: 8, perDay: 2 };
    const outcomes = await Promise.all(
      ["shop-1", "shop-2", "shop-3"].map((task) => first(task, guard)),
    );
    const codes = outcomes.map((found) => ("part" in found ? "part" : problem(found))).sort();
    expect(codes).toEqual(["part", "too-often", "too-often"]);
    const { budget } = await status();
    expect(budget!.releases).toBe(2);
    expect(budget!.epsilon).toBeGreaterThan(alone);
  });

  test("make one sum without an epsilon, or as many as the shop allows", async () => {
    const exact = (task: string): string =>
      named(task)
        .replace(/"epsilon":[^,]*/, '"epsilon":null')
        .replace(/"multiplier":[^,]*/, '"multiplier":0.0')
        .replace(/^{"delta":[^,]*/, '{"delta":0');
    const taking = (task: string, guard: Partial<Guard> = {}) =>
      first(task, { epsilon: null, ...guard }, exact(task));
    expect(problem(await first("shop-0", {}, exact("shop-0")))).toBe("no-epsilon");
    expect(await taking("shop-1")).toHaveProperty("part");
    expect(problem(await taking("shop-2"))).toBe("second-exact-run");
    expect(await taking("shop-2", { exactRuns: 2 })).toHaveProperty("part");
  });

  test("are forgotten together: histories, keys and the account", async () => {
    await enrolled();
    await first("shop-1", {});
    const theirs = await openVisitor("shop-1", { changed: () => {}, failed: () => {} });
    await theirs.add({ item: "sku-2", kind: "view", time: 3 });
    expect(visitor.history.length).toBe(2);
    await theirs.forget();
    await until(() => visitor.history.length === 0);
    expect([visitor.consents, theirs.consents]).toEqual([{}, {}]);
    expect(await openDatabase(false)).toBeUndefined();
    theirs.close();
  });
});

describe("withdrawing in the middle of a round", () => {
  test.each(["check-in", "/report", "models"])("ends it at once, at %s", async (stall) => {
    coordinator.stall = stall;
    const ending = new AbortController();
    const taking = member().take(TOKEN, ending.signal);
    await until(() => coordinator.asked.some(({ path }) => path.includes(stall)));
    ending.abort();
    await expect(taking).rejects.toMatchObject({ name: "AbortError" });
    expect(coordinator.reports).toEqual([]);
    await until(() => coordinator.hungUp.length === 1);
  });

  test("is seen by the journal, also without any signal", async () => {
    coordinator.stall = "models";
    const taking = enrolled();
    await until(() => coordinator.asked.some(({ path }) => path.includes("models")));
    await visitor.agree({ train: false }, "1");
    coordinator.stall = "";
    coordinator.release();
    expect(problem(await taking)).toBe("no-consent");
    expect(coordinator.reports).toEqual([]);
  });
});
