/** Whether, when and how much a browser sends tells nothing of its history: the attacks. */
import "fake-indexeddb/auto";
import { afterEach, describe, expect, test, vi } from "vitest";
import type { Outcome } from "../../src/background/messages.js";
import { DEFAULT_GUARD, type Guard } from "../../src/network/promise.js";
import { memberOf } from "../../src/network/member.js";
import { untilRung } from "../../src/network/pause.js";
import { statusOf } from "../../src/status.js";
import { eraseDatabase } from "../../src/store/database.js";
import { openVisitor } from "../../src/store/visitor.js";
import { about, arraysOf, withValue } from "../models/hostile.js";
import { asks } from "../models/vectors.js";
import { coordinate, fileFor, TOKEN } from "./local-coordinator.js";

const never = new AbortController().signal;

/** Goes along with whatever is asked, so that only what tells of histories is refused. */
const EASY: Guard = {
  ...DEFAULT_GUARD,
  minimum: 2,
  adversaries: 0,
  dropouts: 0,
  semiMalicious: false,
  consistency: false,
  epsilon: null,
};

// Many rounds each.
vi.setConfig({ testTimeout: 30_000 });

const fetched = globalThis.fetch;

afterEach(async () => {
  vi.restoreAllMocks();
  await eraseDatabase();
});

/** What a visitor did, and what a page did to the database. */
interface Did {
  items: readonly string[];
  weight?: number;
  /** Whether the stored history cannot be read. */
  broken?: boolean;
}

const EMPTY: Did = { items: [] };
const RICH: Did = { items: Array.from({ length: 15 }, (_, at) => `sku-${(7 * at) % 12}`) };

/** What the network sees of a visitor who is asked once, and what the visitor's page is told. */
const seenOf = async (ask: string, file: Uint8Array, { items, weight, broken }: Did): Promise<Seen> => {
  const coordinator = await coordinate(ask, file);
  const { task, setting } = JSON.parse(ask);
  const visitor = await openVisitor(task, { changed: () => {}, failed: () => {} });
  await visitor.agree({ train: true, measure: true }, "1");
  for (const [time, item] of items.entries())
    await visitor.add({ item, kind: "view", time, ...(weight && { weight }) });
  const { url, trust } = coordinator;
  const guard = { ...EASY, secure: setting.policy.secure };
  const restore = broken ? breakHistory() : undefined;
  const outcome = await memberOf({ task, coordinator: url, trust, guard }).take(TOKEN, never);
  restore?.();
  const { budget } = await statusOf(visitor);
  await visitor.forget();
  visitor.close();
  const requests = coordinator.asked.map(
    ({ method, path, body }) => `${method} ${path} ${body.length}`,
  );
  return { requests, outcome, charged: budget?.releases ?? 0 };
};

interface Seen {
  requests: string[];
  outcome: Outcome;
  charged: number;
}

/** Let the history fail to be read, until it is restored. */
const breakHistory = (): (() => void) => {
  const { getAll } = IDBObjectStore.prototype;
  const broken = vi.spyOn(IDBObjectStore.prototype, "getAll");
  broken.mockImplementation(function (this: IDBObjectStore, ...given) {
    if (this.name === "history") throw new DOMException("", "UnknownError");
    return getAll.apply(this, given);
  });
  return () => broken.mockRestore();
};

/** Return the code of a problem; `part` where there is none. */
const codeOf = (outcome: Outcome): string | undefined =>
  "problem" in outcome ? outcome.problem?.code : Object.keys(outcome)[0];

const putsOf = ({ requests }: Seen): number =>
  requests.filter((request) => request.startsWith("PUT")).length;

/**
 * All golden asks in either mode, with enough noise where there is any; but for one of steps so fine
 * that clients could not make as much.
 */
const asked = asks.flatMap(({ ask }) =>
  (ask.includes('"name":"n/2"') ? ["split"] : ["split", "pairwise"]).map((mode) => {
    const text = ask
      .replace(/"secure":"\w+"/, `"secure":"${mode}"`)
      .replace(/"multiplier":(?!0\.0,)[^,]*/, '"multiplier":5.0');
    const { recipe, purpose, setting } = JSON.parse(text);
    return { ask: text, mode, title: `${recipe}, ${purpose} ${setting.noise.name}, ${mode}` };
  }),
);

/** Values that no honest model has, at the items that a coordinator wants to know of. */
const VALUES = [NaN, Infinity, 3e38, 1e-40];

describe.each(asked)("$title", ({ ask, mode }) => {
  test("a rich and an empty history look the same under an honest model", async () => {
    const file = await fileFor(ask);
    const [rich, empty] = [await seenOf(ask, file, RICH), await seenOf(ask, file, EMPTY)];
    expect(rich.requests).toEqual(empty.requests);
    const code = mode === "split" ? "part" : "too-few";
    expect([codeOf(rich.outcome), codeOf(empty.outcome)]).toEqual([code, code]);
    expect([putsOf(rich), rich.charged, empty.charged]).toEqual([1, 1, 1]);
  });

  test.runIf(mode === "split")("and under each that marks some items", async () => {
    const file = await fileFor(ask);
    const [telling, codes]: [unknown[], unknown[]] = [[], []];
    for (const name of arraysOf(file)) {
      for (const value of VALUES) {
        const bent = withValue(file, name, value, [0, 1]);
        const bad = await about(ask, bent);
        const [rich, empty] = [await seenOf(bad, bent, RICH), await seenOf(bad, bent, EMPTY)];
        if (String(rich.requests) !== String(empty.requests)) telling.push([name, value]);
        codes.push(codeOf(rich.outcome), codeOf(empty.outcome));
        expect([putsOf(rich), rich.charged]).toEqual([0, 0]);
      }
    }
    expect(telling).toEqual([]);
    expect(new Set(codes)).toEqual(new Set(codes.length ? ["bad-model"] : []));
  });

  test("and where the history cannot be read, or overflows, an empty term is sent", async () => {
    const file = await fileFor(ask);
    const empty = await seenOf(ask, file, EMPTY);
    for (const did of [
      { ...RICH, broken: true },
      { ...RICH, weight: 1e308 },
    ]) {
      const found = await seenOf(ask, file, did);
      expect(found.requests).toEqual(empty.requests);
      expect(found.charged).toBe(1);
      if (did.broken) expect(codeOf(found.outcome)).toBe("unexpected");
    }
  });
});

test("a release is claimed before the history is opened, and nothing is asked in between", async () => {
  const { ask } = asked[0]!;
  const order: string[] = [];
  const { getAll, put } = IDBObjectStore.prototype;
  vi.spyOn(IDBObjectStore.prototype, "put").mockImplementation(function (this: IDBObjectStore, ...given) {
    if (["releases", "outgoing"].includes(this.name)) order.push(this.name);
    return put.apply(this, given);
  });
  vi.spyOn(IDBObjectStore.prototype, "getAll").mockImplementation(function (this: IDBObjectStore, ...given) {
    if (this.name === "history") order.push(this.name);
    return getAll.apply(this, given);
  });
  const ends = vi.spyOn(globalThis, "fetch").mockImplementation((...given) => {
    order.push(String(given[0]).replace(/.*\/v1\/([a-z-]+).*/, "$1"));
    return fetched(...given);
  });
  await seenOf(ask, await fileFor(ask), RICH);
  ends.mockRestore();
  const from = order.indexOf("models");
  // The first reading of the history is the page's own.
  expect(order.slice(from, from + 5)).toEqual(["models", "releases", "history", "releases", "outgoing"]);
});

test("a term leaves at one of a few moments, whatever it took to compute", () => {
  const moments = [0, 0.001, 0.03, 0.0313, 0.2, 1.3, 60].map((taken) => taken + untilRung(taken));
  [1 / 32, 1 / 32, 1 / 32, 1 / 16, 1 / 4, 2, 64].forEach((moment, at) =>
    expect(moments[at]).toBeCloseTo(moment, 12),
  );
});
