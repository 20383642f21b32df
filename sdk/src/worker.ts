/** The worker's entry: takes part for the page that started it; pages may also import it. */
import type { Member, Order, Reply } from "./background/messages.js";
import { memberOf } from "./network/member.js";

export { memberOf };

/** What a worker has in its global scope, and a page has not. */
interface Scope {
  WorkerGlobalScope?: new () => object;
  onmessage: (event: MessageEvent<Order>) => void;
  postMessage(reply: Reply): void;
}

const scope = globalThis as unknown as Scope;

if (scope.WorkerGlobalScope && globalThis instanceof scope.WorkerGlobalScope) {
  let member: Member;
  const never = new AbortController().signal;
  scope.onmessage = async ({ data }) => {
    if (data.kind === "settings") member = memberOf(data.settings);
    else scope.postMessage({ kind: "outcome", outcome: await member.take(data.token, never) });
  };
  scope.postMessage({ kind: "ready" });
}
