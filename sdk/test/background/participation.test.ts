import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { Outcome } from "../../src/background/messages.js";
import { participate } from "../../src/background/participation.js";
import { until } from "../local-server.js";
import { inBrowser } from "./browser.js";

const PART: Outcome = {
  part: { release: "run/0", purpose: "step", session: "", model: "", bytes: 1 },
};

let device: ReturnType<typeof inBrowser>;

beforeEach(() => {
  device = inBrowser();
});

afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

/** A tab whose rounds come out as told; the last outcome comes again and again. */
const tab = (outcomes: Outcome[], enrol: () => Promise<string> = async () => "het_1") => {
  const ending = new AbortController();
  const seen = { tokens: [] as unknown[], parts: 0, problems: [] as string[], where: [] as unknown[], closed: 0 };
  const take = async (token?: string): Promise<Outcome> => {
    seen.tokens.push(token);
    return outcomes.length > 1 ? outcomes.shift()! : outcomes[0]!;
  };
  const ended = participate(
    {
      lock: "hedgerow/shop",
      start: async () => ({ where: "page", take, close: () => (seen.closed += 1) }),
      works: (where) => seen.where.push(where),
      enrol,
      contributed: () => (seen.parts += 1),
      failed: ({ code }) => seen.problems.push(code),
    },
    ending.signal,
  ).catch(({ name }) => name as string);
  return { seen, ended, end: () => ending.abort() };
};

test("one tab takes part, and the next one after it", async () => {
  const [one, other] = [tab([PART]), tab([PART])];
  await until(() => one.seen.parts > 2);
  expect(other.seen.parts).toBe(0);
  expect(other.seen.where).toEqual([]);
  one.end();
  expect(await one.ended).toBe("AbortError");
  expect(one.seen.closed).toBe(1);
  expect(one.seen.where).toEqual(["page", null]);
  await until(() => other.seen.parts > 2);
  other.end();
  await other.ended;
});

test("asks the shop for a token when one is needed", async () => {
  const { seen, end, ended } = tab([{ token: true }, PART]);
  await until(() => seen.parts > 0);
  end();
  await ended;
  expect(seen.tokens.slice(0, 2)).toEqual([undefined, "het_1"]);
});

test("says when the shop gives no token, and goes on", async () => {
  const { seen, end, ended } = tab([{ token: true }], () => Promise.reject(new Error("500")));
  await until(() => seen.problems.length > 0);
  expect(seen.problems).toEqual(["no-token"]);
  end();
  expect(await ended).toBe("AbortError");
});

test("does nothing while the device is not to be used", async () => {
  device.connection.saveData = true;
  const { seen, end, ended } = tab([PART]);
  await new Promise((resolve) => setImmediate(resolve));
  expect(seen.tokens).toEqual([]);
  end();
  expect(await ended).toBe("AbortError");
});

test("an empty contribution is told to the page, and is no reason to wait", async () => {
  const problem = { code: "bad-vector", sentence: "It was too long." };
  const { seen, end, ended } = tab([{ ...PART, problem } as Outcome]);
  await until(() => seen.parts > 2);
  expect(seen.problems.length).toBeGreaterThanOrEqual(2);
  end();
  await ended;
});

test("comes again when it was told, and later after each problem in a row", async () => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  vi.spyOn(Math, "random").mockReturnValue(0.5);
  const problem = { code: "weak-minimum", sentence: "Too few." };
  const { seen, end, ended } = tab([{ later: 10 }, { later: 30, problem }]);
  const after = async (seconds: number, count: number): Promise<void> => {
    await vi.advanceTimersByTimeAsync(seconds * 1000 - 1);
    expect(seen.tokens.length).toBe(count);
    await vi.advanceTimersByTimeAsync(1);
    await until(() => seen.tokens.length === count + 1);
    await until(() => vi.getTimerCount() > 0);
  };
  await until(() => vi.getTimerCount() > 0);
  await after(10, 1);
  await after(30, 2);
  await after(60, 3);
  await after(120, 4);
  end();
  await ended;
  expect(new Set(seen.problems)).toEqual(new Set(["weak-minimum"]));
  vi.restoreAllMocks();
});
