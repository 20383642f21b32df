import { expect, test } from "vitest";
import * as standIn from "../src/split-only.js";
import { sampleSkellam, shareOf } from "../src/noise/skellam.js";
import { streamOf } from "../src/noise/stream.js";
import { refusal } from "./secure/golden.js";

const stream = () => streamOf(new Uint8Array(32));

test("in split mode the smaller worker does what the larger does", async () => {
  expect(standIn.shareOf().variance).toBe(shareOf(0, 100, 0.2, 0.1).variance);
  expect(await standIn.sampleSkellam(stream(), 5, 0)).toEqual(await sampleSkellam(stream(), 5, 0));
});

test("it refuses all that pairwise mode takes", async () => {
  const { pairwiseClient, isPrivate, chooseNeighbours, skellamBound, sampleSkellam } = standIn;
  for (const part of [pairwiseClient, isPrivate, chooseNeighbours, skellamBound]) {
    expect(await refusal(part)).toBe("weak-mode");
  }
  expect(await refusal(() => sampleSkellam(stream(), 5, 1))).toBe("weak-mode");
});
