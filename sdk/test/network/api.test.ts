import { expect, test } from "vitest";
import { hex, unhex } from "../../src/bytes.js";
import { type Access, apiOf } from "../../src/network/api.js";
import { enrolmentProof, loginProof, tokenKey } from "../../src/network/proofs.js";
import { makeKey } from "../../src/store/identity.js";
import { verify } from "../../src/secure/crypto.js";
import { type Answered, type Asked, serve, until } from "../local-server.js";
import { refusal } from "../secure/golden.js";

const TOKEN = `het_${"A".repeat(42)}E`;

const TRUST = {
  authority: "a1".repeat(32),
  coordinator: "b2".repeat(32),
  helper: "c3".repeat(32),
  sealing: "d4".repeat(32),
};

/** Serve a deployment, logins and whatever else a test adds. */
const deployment = (rest: (asked: Asked) => Answered | Promise<Answered>) =>
  serve((asked) => {
    if (asked.path === "/v1/deployment") return { body: { audience: "shop", ...TRUST } };
    if (asked.path === "/v1/token") return { body: { token: `t${Math.random()}` } };
    return rest(asked);
  });

const never = new AbortController().signal;

const callsTo = async (coordinator: string, signal = never, access: Access = {}) => {
  const key = await makeKey();
  return { key, api: apiOf({ coordinator, trust: TRUST }, access, key, signal) };
};

const paths = (asked: Asked[]): string[] => asked.map(({ method, path }) => `${method} ${path}`);

test("logs in once, with a signature over deployment, time and scopes", async () => {
  const server = await deployment(() => ({ body: { round: "r", phase: "report" } }));
  const { key, api } = await callsTo(server.url);
  expect(await api.checkIn()).toEqual({ round: "r", phase: "report" });
  await api.checkIn();
  expect(paths(server.asked)).toEqual([
    "GET /v1/deployment",
    "POST /v1/token",
    "POST /v1/check-in?wait=20",
    "POST /v1/check-in?wait=20",
  ]);
  const { client, timestamp, scopes, signature } = JSON.parse(String(server.asked[1]!.body));
  expect([unhex(client), scopes]).toEqual([key.publicKey, ["contribute", "read-model"]]);
  await verify(key.publicKey, loginProof("shop", timestamp, scopes), unhex(signature));
  expect(server.asked[3]!.headers.authorization).toMatch(/^Bearer t0\./);
});

test("logs in anew when its token has run out, and once only", async () => {
  let left = 1;
  const server = await deployment(() =>
    left-- > 0 ? { status: 401, body: { error: "expired", detail: "Log in." } } : { status: 204 },
  );
  const { api } = await callsTo(server.url);
  expect(await api.checkIn()).toEqual({ later: 60 });
  expect(paths(server.asked).filter((path) => path === "POST /v1/token").length).toBe(2);
  left = Infinity;
  expect(await refusal(() => api.checkIn())).toBe("expired");
});

test("sends nothing to servers that are not the pinned ones", async () => {
  for (const name of Object.keys(TRUST)) {
    const posed = { audience: "shop", ...TRUST, [name]: "00".repeat(32) };
    const server = await serve(() => ({ body: posed }));
    const { key, api } = await callsTo(server.url);
    expect(await refusal(() => api.checkIn())).toBe("other-servers");
    expect(await refusal(() => api.enrol(TOKEN, key))).toBe("other-servers");
    expect(new Set(paths(server.asked))).toEqual(new Set(["GET /v1/deployment"]));
  }
});

test("enrols with a proof that it holds the key", async () => {
  const server = await deployment(() => ({ body: { certificate: "0102" } }));
  const { key, api } = await callsTo(server.url);
  expect(await api.enrol(TOKEN, key)).toEqual(Uint8Array.of(1, 2));
  const body = JSON.parse(String(server.asked[1]!.body));
  const token = await tokenKey(TOKEN);
  const message = enrolmentProof(token.publicKey, key.publicKey);
  expect(body).toMatchObject({ token: hex(token.publicKey), key: hex(key.publicKey) });
  await verify(key.publicKey, message, unhex(body.proof));
  await verify(token.publicKey, message, unhex(body.voucher));
  // The token itself stays here.
  expect(String(server.asked[1]!.body)).not.toContain(TOKEN);
});

test("asks again while there is nothing to tell, and while the coordinator is busy", async () => {
  const answers: Answered[] = [
    { status: 204 },
    { status: 503 },
    { status: 429, headers: { "retry-after": "0.01" } },
    { body: Uint8Array.of(7) },
  ];
  const server = await deployment(() => answers.shift()!);
  const { api } = await callsTo(server.url);
  expect(await api.told("ab", "report")).toEqual(Uint8Array.of(7));
  expect(answers).toEqual([]);
  expect(server.asked.at(-1)!.path).toBe("/v1/rounds/ab/report?wait=20");
});

test("sends a message's bytes as they are", async () => {
  const server = await deployment(() => ({ body: { seq: 1, digest: "00" } }));
  const { api } = await callsTo(server.url);
  await api.send("ab", "report", Uint8Array.of(0, 255, 3));
  const { method, path, headers, body } = server.asked.at(-1)!;
  expect([method, path]).toEqual(["PUT", "/v1/rounds/ab/report"]);
  expect(headers["content-type"]).toBe("application/cbor");
  expect([...body]).toEqual([0, 255, 3]);
});

test("tells what the coordinator says is wrong", async () => {
  const answers: Answered[] = [
    { status: 409, body: { error: "wrong-phase", detail: "The round has moved on." } },
    { status: 500, body: Uint8Array.of(60) },
  ];
  const server = await deployment(() => answers.shift()!);
  const { api } = await callsTo(server.url);
  await expect(api.told("ab", "done")).rejects.toMatchObject({
    code: "wrong-phase",
    message: "The round has moved on.",
  });
  expect(await refusal(() => api.told("ab", "done"))).toBe("refused");
});

test("hangs up at once when it is told to end", async () => {
  const server = await deployment(() => new Promise<Answered>(() => {}));
  const ending = new AbortController();
  const { api } = await callsTo(server.url, ending.signal);
  const waiting = api.checkIn();
  await until(() => server.asked.some(({ path }) => path.startsWith("/v1/check-in")));
  ending.abort();
  await expect(waiting).rejects.toMatchObject({ name: "AbortError" });
  await until(() => server.hungUp.length === 1);
  await expect(api.checkIn()).rejects.toMatchObject({ name: "AbortError" });
});

test("goes on when the coordinator is back", async () => {
  const gone = await new Promise<number>((resolve) => {
    void import("node:net").then(({ createServer }) => {
      const probe = createServer().listen(0, "127.0.0.1", () => {
        const { port } = probe.address() as { port: number };
        probe.close(() => resolve(port));
      });
    });
  });
  const { api } = await callsTo(`http://127.0.0.1:${gone}`);
  const waiting = api.checkIn();
  await serve(
    ({ path }) =>
      path === "/v1/deployment"
        ? { body: { audience: "shop", ...TRUST } }
        : path === "/v1/token"
          ? { body: { token: "t" } }
          : { status: 204, headers: { "retry-after": "7" } },
    gone,
  );
  expect(await waiting).toEqual({ later: 7 });
});
