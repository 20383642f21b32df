import { expect, test } from "vitest";
import { hex } from "../../src/bytes.js";
import { enrolmentProof, loginProof, tokenKey } from "../../src/network/proofs.js";

// By `hedgerow.federation.proofs`.
test("enrolling signs what Python checks", async () => {
  const key = Uint8Array.from({ length: 32 }, (_, place) => place);
  const { publicKey } = await tokenKey(`het_${"A".repeat(42)}E`);
  expect(hex(enrolmentProof(publicKey, key))).toBe(
    "6865646765726f772f656e726f6c6d656e742d70726f6f662f763200" +
      "4cb5abf6ad79fbf5abbccafcc269d85cd2651ed4b885b5869f241aedf0a5ba29" +
      "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f",
  );
});

test.each(["", "het_", "het_1", `het_${"A".repeat(44)}`, `het_${"A".repeat(42)}+`])(
  "%o is no enrolment token",
  async (token) => {
    await expect(tokenKey(token)).rejects.toMatchObject({ code: "unknown-token" });
  },
);

test("logging in signs what Python checks", () => {
  const scopes = ["contribute", "read-model"];
  expect(hex(loginProof("federation-ä", 1790000000123, scopes))).toBe(
    "6865646765726f772f6c6f67696e2f763100000000000000000d66656465726174696f6e2dc3a4" +
      "000001a0c4506c7b0000000000000015636f6e7472696275746520726561642d6d6f64656c",
  );
});
