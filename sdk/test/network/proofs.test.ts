import { expect, test } from "vitest";
import { hex } from "../../src/bytes.js";
import { enrolmentProof, loginProof } from "../../src/network/proofs.js";

// By `hedgerow.federation.proofs`.
test("enrolling signs what Python checks", async () => {
  const key = Uint8Array.from({ length: 32 }, (_, place) => place);
  expect(hex(await enrolmentProof("het_token", key))).toBe(
    "6865646765726f772f656e726f6c6d656e742d70726f6f662f7631009baf5d319465082fdc57ca84ab056c7d" +
      "9690b3bdd81dd28c62f9568e329f6b5d" +
      "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f",
  );
});

test("logging in signs what Python checks", () => {
  const scopes = ["contribute", "read-model"];
  expect(hex(loginProof("federation-ä", 1790000000123, scopes))).toBe(
    "6865646765726f772f6c6f67696e2f763100000000000000000d66656465726174696f6e2dc3a4" +
      "000001a0c4506c7b0000000000000015636f6e7472696275746520726561642d6d6f64656c",
  );
});
