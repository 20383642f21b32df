import { expect, test } from "vitest";
import { breathe } from "../src/breathe.js";

test("what waits runs before long work goes on", async () => {
  const ran: string[] = [];
  const { port1, port2 } = new MessageChannel();
  port1.onmessage = () => ran.push("message");
  port2.postMessage(0);
  void Promise.resolve().then(() => ran.push("promise"));
  await breathe();
  port1.close();
  expect(ran).toEqual(["promise", "message"]);
});
