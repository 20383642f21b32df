import { describe, expect, test } from "vitest";
import type { Ask } from "../../src/federation/ask.js";
import { checkOffer, checkStanding, costOf, floorOf } from "../../src/network/guard.js";
import { DEFAULT_GUARD, type Guard } from "../../src/network/promise.js";
import type { Consents } from "../../src/store/consent.js";
import type { Released } from "../../src/store/journal.js";
import { refusal } from "../secure/golden.js";

const ALL: Consents = { train: { at: 0, version: "1" }, measure: { at: 0, version: "1" } };

interface Changed {
  task?: string;
  purpose?: Ask["purpose"];
  delta?: number;
  multiplier?: number;
  clip?: number;
  policy?: Partial<Ask["setting"]["policy"]>;
}

const askOf = (changed: Changed = {}): Ask => ({
  task: changed.task ?? "shop",
  purpose: changed.purpose ?? "step",
  recipe: "popularity",
  delta: changed.delta ?? 1e-6,
  k: 10,
  repeats: false,
  held_out: false,
  setting: {
    policy: {
      epsilon: 4,
      delta: null,
      secure: "split",
      unit: "user",
      clip: null,
      minimum: 20,
      adversaries: 0.2,
      clients_per_person: 1,
      dropouts: 0.1,
      semi_malicious: true,
      ...changed.policy,
    },
    noise: { name: "run/0", bound: 1, multiplier: changed.multiplier ?? 4 },
    quantizer: { clip: changed.clip ?? 1, scale: 200, size: 40 },
    units: 100,
    clients: 100,
    model: "00".repeat(32),
  },
});

const offered = (guard: Partial<Guard>, changed: Changed): Promise<string> =>
  refusal(() => checkOffer({ ...DEFAULT_GUARD, ...guard }, "shop", askOf(changed)));

const FINE = "nothing is refused";
const open: Changed = { delta: 0, multiplier: 0, policy: { epsilon: null } };

describe.each(["split", "pairwise"] as const)("in %s mode", (secure) => {
  test.each<[string, Partial<Guard>, Changed]>([
    [FINE, {}, {}],
    [FINE, {}, { purpose: "norms" }],
    [FINE, {}, { purpose: "evaluation" }],
    ["other-task", {}, { task: "other" }],
    ["weak-epsilon", { epsilon: 3.9 }, {}],
    ["weak-epsilon", {}, { policy: { epsilon: 10.1 } }],
    ["no-epsilon", {}, open],
    ["weak-delta", { delta: 1e-7 }, {}],
    ["weak-delta", {}, { delta: 2e-5 }],
    ["bad-ask", {}, { delta: 0 }],
    ["bad-ask", {}, { clip: 2 }],
    ["weak-unit", {}, { policy: { unit: "silo" } }],
    ["weak-noise", {}, { multiplier: 0 }],
    [FINE, {}, { multiplier: 1e4 }],
    ["too-much-noise", {}, { multiplier: 10_001 }],
    ["too-much-noise", { epsilon: null }, { multiplier: 1e6 }],
    ["weak-persons", { clientsPerPerson: 2 }, {}],
    [FINE, { clientsPerPerson: 2 }, { policy: { clients_per_person: 2 } }],
    [FINE, {}, { policy: { clients_per_person: 3 } }],
    ["false-promise", {}, { multiplier: 0.5 }],
    ["false-promise", { epsilon: null }, { multiplier: 0.5 }],
    [FINE, { epsilon: null }, open],
  ])("%s (%#)", async (code, guard, changed) => {
    const policy = { ...changed.policy, secure };
    expect(await offered(guard, { ...changed, policy })).toBe(code);
  });
});

test("clients' noise has to be sized for as many adversaries", async () => {
  const few: Changed = { policy: { secure: "pairwise", adversaries: 0.19 } };
  expect(await offered({}, few)).toBe("weak-noise");
  expect(await offered({}, { policy: { adversaries: 0.19 } })).toBe(FINE);
});

test("the floor of the sum is the guard's", () => {
  expect(floorOf({ ...DEFAULT_GUARD, minimum: 100, secure: "pairwise" })).toMatchObject({
    minimum: 100,
    modes: ["pairwise"],
    adversaries: 0.2,
    dropouts: 0.1,
    semiMalicious: true,
    consistency: true,
  });
});

test("servers' noise is Gaussian, clients' is Skellam", () => {
  expect(costOf(askOf())).toMatchObject({ mechanism: "gaussian", multiplier: 4 });
  const { sensitivity, ...rest } = costOf(askOf({ policy: { secure: "pairwise" } }))!;
  expect(rest).toEqual({ mechanism: "skellam", multiplier: 4, size: 40, clients: 100 });
  expect(sensitivity).toBeGreaterThan(200);
  const twice = costOf(askOf({ policy: { secure: "pairwise", clients_per_person: 2 } }))!;
  expect(twice.sensitivity).toBe(2 * sensitivity);
  expect(costOf(askOf(open))).toBeNull();
});

describe("the account", () => {
  const NAMED = { deployment: "here", release: "run/0" };

  const released = (release: string, cost: Released["cost"], at = Date.now()): Released => ({
    deployment: "here",
    release,
    purpose: "step",
    at,
    cost,
    answers: [],
  });

  const given = (count: number, at = Date.now()): Released[] =>
    Array.from({ length: count }, (_, number) => released(`before/${number}`, costOf(askOf()), at));

  const standing = (
    guard: Partial<Guard>,
    before: Released[],
    changed: Changed = {},
    release = "run/0",
  ): number =>
    checkStanding(
      { ...DEFAULT_GUARD, ...guard },
      askOf(changed),
      { ...NAMED, release },
      ALL,
      before,
    );

  test("adds up all releases, of which each counts once, whatever their task", async () => {
    const alone = standing({}, []);
    expect(standing({}, given(3))).toBeGreaterThan(alone);
    expect(standing({}, [{ ...given(1)[0]!, release: "run/0" }])).toBe(alone);
    const elsewhere = { ...given(1)[0]!, release: "run/0", deployment: "there" };
    expect(standing({}, [elsewhere])).toBeGreaterThan(alone);
    expect(await refusal(() => standing({ epsilon: alone }, given(1)))).toBe("spent");
    expect(standing({ epsilon: alone }, [])).toBe(alone);
    expect(standing({ epsilon: null }, given(99))).toBeGreaterThan(10);
  });

  test("goes along with one run without an epsilon, of all tasks", async () => {
    const guard = { epsilon: null };
    const begun = [released("shop/0/0", null), released("shop/0/1", null), ...given(2)];
    const next = (release: string, more: Partial<Guard> = {}) =>
      refusal(() => standing({ ...guard, ...more }, begun, open, release));
    for (const same of ["shop/0/1", "shop/0/2", "shop/0/e0", "shop/0/2/norms"]) {
      expect(await next(same)).toBe(FINE);
    }
    for (const other of ["shop/1/0", "other/0/0", "shop/00/0", "shop/0/1~1"]) {
      expect(await next(other)).toBe("second-exact-run");
      expect(await next(other, { exactRuns: 2 })).toBe(FINE);
    }
    expect(await next("shop/0/2", { exactRuns: 0 })).toBe("second-exact-run");
    expect(await refusal(() => standing(guard, begun, {}, "shop/1/0"))).toBe(FINE);
  });

  test("allows so many releases a day", async () => {
    expect(await refusal(() => standing({ perDay: 3 }, given(3)))).toBe("too-often");
    const yesterday = Date.now() - 86_400_001;
    expect(await refusal(() => standing({ perDay: 3 }, given(3, yesterday)))).toBe(FINE);
    expect(await refusal(() => standing({ perDay: 0 }, []))).toBe("too-often");
  });

  test.each([
    ["step", "train"],
    ["norms", "train"],
    ["evaluation", "measure"],
  ] as const)("%s takes consent to %s", async (purpose, needed) => {
    const { [needed]: _, ...others } = ALL;
    const check = (consents: Consents) =>
      refusal(() => checkStanding(DEFAULT_GUARD, askOf({ purpose }), NAMED, consents, []));
    expect(await check(others)).toBe("no-consent");
    expect(await check({})).toBe("no-consent");
    expect(await check({ [needed]: ALL[needed] })).toBe(FINE);
  });
});
