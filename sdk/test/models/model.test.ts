import { expect, it } from "vitest";
import { foldOf, historyOf } from "../../src/models/history.js";
import { readModel } from "../../src/models/model.js";
import { scorerOf } from "../../src/models/scorer.js";
import { fileOf, histories, lastOf, models } from "./vectors.js";

/** Return a golden file with a text of its head replaced by one as long. */
function changed(from: string, to: string, of = models[0]!): Uint8Array {
  const file = fileOf(of);
  const text = Buffer.from(file).toString("latin1");
  expect(text).toContain(from);
  return new Uint8Array(Buffer.from(text.replace(from, to.padEnd(from.length)), "latin1"));
}

const sequence = models.find(({ recipe }) => recipe === "sequence")!;

it("reads the catalog", () => {
  const { items, titles, numbers, recipe } = models[0]!.model;
  expect(recipe).toBe("popularity");
  expect(items[11]).toBe("sku-11");
  expect(titles[11]).toBe("Ding «11» – ü");
  expect(numbers.get("sku-7")).toBe(7);
});

it("reads a file that lies anywhere in a larger buffer", () => {
  const file = fileOf(models.at(-1)!);
  const larger = new Uint8Array(file.length + 9);
  larger.set(file, 3);
  const model = readModel(larger.subarray(3, 3 + file.length));
  const history = histories[3]!;
  expect(scorerOf(model).scores(history)).toEqual(
    scorerOf(models.at(-1)!.model).scores(history),
  );
});

it.each([
  ["an unknown recipe", changed('"popularity"', '"popularitx"'), /know no popularitx model/],
  ["another kind of file", changed("model, version 1", "model, version 2"), /is no hedgerow model/],
  [
    "features that take too much code",
    changed(String.raw`fourier\": 0`, String.raw`fourier\": 9`, sequence),
    /no Fourier features/,
  ],
  ["a type that no recipe has", changed('"F64"', '"I16"'), /damaged/],
  ["another length than the shape says", changed('"shape":[12]', '"shape":[11]'), /damaged/],
  ["half a file", fileOf(models[0]!).subarray(0, 300), /damaged/],
  ["nothing", new Uint8Array(), /damaged/],
  ["noise", new Uint8Array(4000).fill(7), /damaged/],
])("refuses %s with one sentence", (_, file, sentence) => {
  expect(() => readModel(file)).toThrow(sentence);
});

it("numbers a history by time, without repeats and strangers", () => {
  const seen = [
    { item: "sku-3", time: 30 },
    { item: "sku-1", time: 10, weight: 2 },
    { item: "gone", time: 11 },
    { item: "sku-1", time: 10, weight: 5 },
    { item: "sku-3", time: 20 },
    { item: "sku-0", time: 20 },
  ];
  const history = historyOf(lastOf("als"), seen);
  expect(history).toEqual({
    items: Int32Array.of(1, 3, 0, 3),
    weights: Float32Array.of(2, 1, 1, 1),
  });
  expect(historyOf(lastOf("als"), [])).toEqual({ items: new Int32Array() });
});

it("holds out the last of two or more", () => {
  const [, one, two, , weighed] = histories;
  expect(foldOf(two!, true)).toEqual({ history: { items: Int32Array.of(3) }, heldOut: 1 });
  expect(foldOf(weighed!, true)).toEqual({
    history: { items: Int32Array.of(2, 7, 1, 9), weights: Float32Array.of(1, 0.5, 2, 0.25) },
    heldOut: 6,
  });
  expect(foldOf(one!, true)).toEqual({ history: one });
  expect(foldOf(two!, false)).toEqual({ history: two });
});
