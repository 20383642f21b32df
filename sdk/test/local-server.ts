/** A real HTTP server of this computer, for tests of what is said over HTTP. */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { onTestFinished } from "vitest";

export interface Asked {
  method: string;
  path: string;
  headers: IncomingMessage["headers"];
  body: Buffer;
}

export interface Answered {
  status?: number;
  headers?: Record<string, string>;
  /** JSON, or bytes as they are; none where left out. */
  body?: unknown;
}

export interface LocalServer {
  url: string;
  /** All that was asked, in order. */
  asked: Asked[];
  /** Whether the other side has hung up on a request, by its path. */
  hungUp: string[];
}

/** Serve until the test is over; a handler that never answers holds the request. */
export async function serve(
  handle: (asked: Asked) => Answered | Promise<Answered>,
  port = 0,
): Promise<LocalServer> {
  const server: LocalServer = { url: "", asked: [], hungUp: [] };
  const listen = createServer(async (request: IncomingMessage, response: ServerResponse) => {
    const parts: Buffer[] = [];
    for await (const part of request) parts.push(part as Buffer);
    const [method, path] = [request.method!, request.url!];
    const asked = { method, path, headers: request.headers, body: Buffer.concat(parts) };
    server.asked.push(asked);
    response.on("close", () => !response.writableFinished && server.hungUp.push(path));
    const { status = 200, headers = {}, body } = await handle(asked);
    response.writeHead(status, headers);
    response.end(body instanceof Uint8Array || body === undefined ? body : JSON.stringify(body));
  });
  await new Promise<void>((resolve) => listen.listen(port, "127.0.0.1", resolve));
  onTestFinished(() => {
    listen.closeAllConnections();
    listen.close();
  });
  server.url = `http://127.0.0.1:${(listen.address() as AddressInfo).port}`;
  return server;
}

/** Wait until something holds, looking at it after each turn of the event loop. */
export async function until(holds: () => unknown): Promise<void> {
  const end = performance.now() + 10_000;
  while (!holds()) {
    if (performance.now() > end) throw new Error(`It never came to hold: ${holds}`);
    await new Promise((resolve) => setImmediate(resolve));
  }
}
