import "fake-indexeddb/auto";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { addSeen, LONGEST_HISTORY, type Seen } from "../../src/store/history.js";
import { eraseDatabase, openDatabase } from "../../src/store/database.js";
import { openVisitor, type Visitor } from "../../src/store/visitor.js";
import { until } from "../local-server.js";
import { refusal } from "../secure/golden.js";

const seen = (item: string, time = 1): Seen => ({ item, kind: "view", time });

const open: Visitor[] = [];
let problems: string[] = [];

const visit = async (task = "shop"): Promise<Visitor> => {
  const visitor = await openVisitor(task, {
    changed: () => {},
    failed: ({ code }) => problems.push(code),
  });
  open.push(visitor);
  return visitor;
};

const databases = async (): Promise<string[]> =>
  (await indexedDB.databases()).map(({ name }) => name!);

beforeEach(() => {
  problems = [];
});

afterEach(async () => {
  for (const visitor of open.splice(0)) visitor.close();
  vi.restoreAllMocks();
  await eraseDatabase();
});

describe("without consent", () => {
  test("nothing is stored, not even an empty database", async () => {
    const visitor = await visit();
    await visitor.add(seen("a"));
    expect(visitor.history).toEqual([]);
    await visitor.agree({ train: false }, "1");
    await visitor.read(async () => 1);
    expect(await databases()).toEqual([]);
  });
});

describe("with consent", () => {
  test("history and consent outlast the page, in the order of time", async () => {
    const visitor = await visit();
    await visitor.agree({ recommend: true }, "text 3");
    await visitor.add(seen("b", 5));
    await visitor.add(seen("a", 2));
    await visitor.add({ ...seen("c", 5), weight: 2 });
    const again = await visit();
    expect(again.history).toEqual([seen("a", 2), seen("b", 5), { ...seen("c", 5), weight: 2 }]);
    expect(again.consents).toEqual({ recommend: { at: expect.any(Number), version: "text 3" } });
    expect(again.lasting).toBe(true);
  });

  test("what was done counts before it is stored", async () => {
    const visitor = await visit();
    const agreed = visitor.agree({ train: true }, "1");
    const added = visitor.add(seen("a"));
    expect(visitor.history).toEqual([seen("a")]);
    await Promise.all([agreed, added]);
    expect((await visit()).history).toEqual([seen("a")]);
  });

  test("the oldest interactions go first, in memory and on disk", async () => {
    const visitor = await visit();
    await visitor.agree({ recommend: true }, "1");
    const count = LONGEST_HISTORY + 3;
    await Promise.all(
      Array.from({ length: count }, (_, time) => visitor.add(seen(`item ${time}`, time))),
    );
    for (const found of [visitor, await visit()]) {
      expect(found.history.length).toBe(LONGEST_HISTORY);
      expect(found.history[0]).toEqual(seen("item 3", 3));
    }
  });

  test("tasks have nothing in common", async () => {
    const visitor = await visit();
    await visitor.agree({ recommend: true }, "1");
    expect((await visit("other")).consents).toEqual({});
  });
});

describe("withdrawing", () => {
  test("one purpose leaves the others and the history", async () => {
    const visitor = await visit();
    await visitor.agree({ recommend: true, train: true }, "1");
    await visitor.add(seen("a"));
    await visitor.agree({ train: false }, "1");
    const again = await visit();
    expect(Object.keys(again.consents)).toEqual(["recommend"]);
    expect(again.history).toEqual([seen("a")]);
  });

  test("the last purpose erases the history, at once", async () => {
    const visitor = await visit();
    await visitor.agree({ recommend: true }, "1");
    await visitor.add(seen("a"));
    const done = visitor.agree({ recommend: false }, "1");
    expect(visitor.history).toEqual([]);
    expect(visitor.consents).toEqual({});
    await done;
    expect((await visit()).history).toEqual([]);
  });

  test("keeps what another tab was about to store from being stored", async () => {
    const visitor = await visit();
    await visitor.agree({ recommend: true }, "1");
    await visitor.agree({ recommend: false }, "1");
    const database = (await openDatabase(false))!;
    await addSeen(database, "shop", seen("late"));
    database.close();
    await visitor.agree({ recommend: true }, "1");
    expect((await visit()).history).toEqual([]);
  });
});

describe("other tabs", () => {
  test("see what is done, agreed to and withdrawn", async () => {
    const [one, other] = [await visit(), await visit()];
    await one.agree({ recommend: true }, "1");
    await one.add(seen("a"));
    await until(() => other.history.length === 1);
    await other.add(seen("b", 2));
    await until(() => one.history.length === 2);
    await other.agree({ recommend: false }, "1");
    await until(() => one.history.length === 0);
    expect(one.consents).toEqual({});
  });

  test("do not keep a database from being forgotten", async () => {
    const [one, other] = [await visit(), await visit()];
    await one.agree({ recommend: true }, "1");
    await until(() => other.consents.recommend);
    await other.add(seen("b", 2));
    await one.forget();
    expect(await databases()).toEqual([]);
    await until(() => !other.consents.recommend);
    expect(other.history).toEqual([]);
  });
});

describe("forgetting", () => {
  test("leaves nothing, whatever was about to be written", async () => {
    const visitor = await visit();
    void visitor.agree({ recommend: true, train: true }, "1");
    void visitor.add(seen("a"));
    const forgotten = visitor.forget();
    expect(visitor.history).toEqual([]);
    await forgotten;
    expect(await databases()).toEqual([]);
    expect((await visit()).consents).toEqual({});
    expect(problems).toEqual([]);
  });

  test("is no farewell: one may agree anew", async () => {
    const visitor = await visit();
    await visitor.agree({ recommend: true }, "1");
    await visitor.forget();
    await visitor.agree({ recommend: true }, "1");
    await visitor.add(seen("b"));
    expect((await visit()).history).toEqual([seen("b")]);
  });
});

describe("where the browser stores nothing", () => {
  test("memory has to do, which is said once", async () => {
    vi.spyOn(indexedDB, "open").mockImplementation(() => {
      throw new DOMException("denied", "SecurityError");
    });
    const visitor = await visit();
    await visitor.agree({ recommend: true }, "1");
    await visitor.add(seen("a"));
    expect(visitor.history).toEqual([seen("a")]);
    expect(visitor.lasting).toBe(false);
    expect(problems).toEqual(["no-storage"]);
  });

  test("forgetting says that it could not", async () => {
    const visitor = await visit();
    await visitor.agree({ recommend: true }, "1");
    vi.spyOn(indexedDB, "deleteDatabase").mockImplementation(() => {
      throw new DOMException("denied", "SecurityError");
    });
    expect(await refusal(() => visitor.forget())).toBe("not-erased");
    expect(visitor.consents).toEqual({});
    vi.restoreAllMocks();
    await visitor.forget();
    expect(await databases()).toEqual([]);
  });

  test("what was agreed to on a full disk is stored with what comes next", async () => {
    const put = vi.spyOn(IDBObjectStore.prototype, "put").mockImplementation(() => {
      throw new DOMException("full", "QuotaExceededError");
    });
    const visitor = await visit();
    await visitor.agree({ recommend: true }, "1");
    await visitor.add(seen("a"));
    expect([visitor.lasting, (await visit()).consents]).toEqual([false, {}]);
    put.mockRestore();
    await visitor.add(seen("b", 2));
    const again = await visit();
    expect([visitor.lasting, again.consents]).toEqual([true, visitor.consents]);
    expect(again.history).toEqual([seen("b", 2)]);
  });

  test("a full disk is the same, until there is room again", async () => {
    const visitor = await visit();
    await visitor.agree({ recommend: true }, "1");
    const add = vi.spyOn(IDBObjectStore.prototype, "add").mockImplementation(() => {
      throw new DOMException("full", "QuotaExceededError");
    });
    await visitor.add(seen("a"));
    await visitor.add(seen("b", 2));
    expect(visitor.history).toEqual([seen("a"), seen("b", 2)]);
    expect([visitor.lasting, problems]).toEqual([false, ["no-storage"]]);
    add.mockRestore();
    await visitor.add(seen("c", 3));
    expect(visitor.lasting).toBe(true);
    expect((await visit()).history).toEqual([seen("c", 3)]);
  });
});
