import "fake-indexeddb/auto";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type Database, eraseDatabase, openDatabase } from "../../src/store/database.js";
import {
  claim,
  dropReport,
  keepReport,
  keptReport,
  type Cost,
  noteSent,
  readReleases,
  readSent,
  settle,
  type Stage,
} from "../../src/store/journal.js";
import type { Report } from "../../src/secure/split.js";
import { refusal } from "../secure/golden.js";

const COST: Cost = { mechanism: "skellam", multiplier: 2, sensitivity: 9, size: 5, clients: 8 };

let database: Database;

beforeEach(async () => {
  database = (await openDatabase(true))!;
});

afterEach(async () => {
  database.close();
  await eraseDatabase();
});

const claimed = (session: string, changed: object = {}): Promise<void> =>
  database.run(["releases"], "readwrite", (transaction) =>
    claim(transaction, {
      deployment: "here",
      release: "run/0",
      purpose: "step",
      cost: COST,
      session,
      ...changed,
    }),
  );

const settled = (session: string, stage: Stage, record?: Uint8Array<ArrayBuffer>): Promise<void> =>
  database.run(["releases"], "readwrite", (transaction) =>
    settle(transaction, { deployment: "here", release: "run/0", session }, stage, record),
  );

const kept = (session: string, report: Report, task = "shop"): Promise<void> =>
  database.run(["outgoing"], "readwrite", (transaction) =>
    keepReport(transaction, task, session, report),
  );

const releases = () => database.run(["releases"], "readonly", readReleases);

describe("a release", () => {
  test("is answered in one session, and may be tried in several before", async () => {
    await claimed("a");
    await claimed("b");
    await settled("b", "masked");
    expect(await refusal(() => claimed("a"))).toBe("answered-before");
    expect(await refusal(() => claimed("c"))).toBe("answered-before");
    expect(await refusal(() => settled("a", "masked"))).toBe("answered-before");
    await claimed("b");
    const [found] = await releases();
    expect(found!.answers.map(({ session, stage }) => [session, stage])).toEqual([
      ["a", "started"],
      ["b", "masked"],
    ]);
  });

  test("that is reported is answered, and may be claimed in the same session", async () => {
    await claimed("a");
    await settled("a", "reported");
    expect(await refusal(() => claimed("b"))).toBe("answered-before");
    await claimed("a");
    expect((await releases())[0]!.answers[0]!.stage).toBe("reported");
  });

  test("of another deployment is another one", async () => {
    await claimed("a");
    await settled("a", "reported");
    await claimed("b", { deployment: "there" });
    expect((await releases()).length).toBe(2);
  });

  test("is charged once, as its costliest session", async () => {
    await claimed("a");
    await claimed("b", { cost: { ...COST, sensitivity: 7, size: 4, clients: 11 } });
    const found = await releases();
    expect(found.map(({ cost }) => cost)).toEqual([
      { ...COST, sensitivity: 7, size: 5, clients: 11 },
    ]);
  });

  test("is not taken for another", async () => {
    await claimed("a");
    for (const changed of [
      { purpose: "evaluation" },
      { cost: { ...COST, multiplier: 3 } },
      { cost: { ...COST, mechanism: "gaussian" } },
      { cost: null },
    ]) {
      expect(await refusal(() => claimed("a", changed))).toBe("other-release");
    }
  });

  test("without noise costs nothing", async () => {
    await claimed("a", { cost: null });
    await claimed("a", { cost: null });
    expect((await releases())[0]!.cost).toBeNull();
  });

  test("has one answer in a session, after it was claimed", async () => {
    expect(await refusal(() => settled("a", "masked"))).toBe("not-claimed");
    await claimed("a");
    await settled("a", "masked");
    await settled("a", "revealed", Uint8Array.of(1, 2));
    await settled("a", "masked");
    await settled("a", "revealed", Uint8Array.of(1, 2));
    expect(await refusal(() => settled("a", "revealed", Uint8Array.of(1, 3)))).toBe(
      "already-answered",
    );
    expect((await releases())[0]!.answers[0]!.stage).toBe("revealed");
  });

  test("is still known after the database was closed", async () => {
    await claimed("a");
    await settled("a", "reported");
    database.close();
    database = (await openDatabase(false))!;
    expect(await refusal(() => claimed("b"))).toBe("answered-before");
  });

  test("that was refused leaves no note", async () => {
    await claimed("a");
    await settled("a", "reported");
    const before = await releases();
    await refusal(() => claimed("b"));
    expect(await releases()).toEqual(before);
  });
});

test("a report is kept as it is until it is dropped", async () => {
  const report = { message: Uint8Array.of(1, 2, 3), digest: Uint8Array.of(4) };
  const found = (session: string, task = "shop") => keptReport(database, task, session);
  expect(await found("a")).toBeUndefined();
  await kept("a", report);
  const other = { ...report, digest: Uint8Array.of(5) };
  expect(await refusal(() => kept("a", other))).toBe("already-sent");
  expect(await found("a")).toMatchObject(report);
  expect(await found("b")).toBeUndefined();
  await kept("c", report, "another");
  await kept("b", other);
  expect(await found("a")).toBeUndefined();
  expect(await found("b")).toMatchObject(other);
  expect(await found("c", "another")).toMatchObject(report);
  await dropReport(database, "shop");
  expect(await found("b")).toBeUndefined();
  expect(await found("c", "another")).toMatchObject(report);
});

test("notes on what was sent are bounded, the oldest go first", async () => {
  await database.run(["sent"], "readwrite", async (transaction) => {
    for (let at = 0; at < 1005; at += 1) {
      await noteSent(transaction, { kind: "report", bytes: 1, at, round: "r" });
    }
  });
  const sent = await database.run(["sent"], "readonly", readSent);
  expect(sent.map(({ at }) => at)).toEqual(Array.from({ length: 1000 }, (_, at) => at + 5));
});
