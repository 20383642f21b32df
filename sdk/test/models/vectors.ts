/** The golden vectors of the models, which Python made. */
import { readFileSync } from "node:fs";
import { expect } from "vitest";
import type { History } from "../../src/models/history.js";
import { readModel, type Model } from "../../src/models/model.js";

interface Told {
  recipe: string;
  round: number;
  file: string;
  scores: number[][];
  norms: number[] | null;
  terms: number[][] | null;
}

interface Answer {
  noise: string;
  rounding: string;
  term: number[];
  words: string[];
}

interface AskTold {
  ask: string;
  attempt: number;
  terms: Record<string, unknown>;
  answers: Answer[];
}

const whole: {
  histories: { items: number[]; weights?: number[] }[];
  models: Told[];
  asks: AskTold[];
} = JSON.parse(
  readFileSync(new URL("../../../protocol/vectors/models.json", import.meta.url), "utf8"),
);

export const histories: History[] = whole.histories.map(({ items, weights }) => ({
  items: Int32Array.from(items),
  ...(weights && { weights: Float32Array.from(weights) }),
}));

export const fileOf = ({ file }: { file: string }): Uint8Array =>
  new Uint8Array(Buffer.from(file, "base64"));

export const models: (Told & { model: Model; title: string })[] = whole.models.map((told) => ({
  ...told,
  model: readModel(fileOf(told)),
  title: `${told.recipe}, ${told.round} rounds`,
}));

export const asks = whole.asks;

export const historyOfItems = (...items: number[]): History => ({ items: Int32Array.from(items) });

/** The last of the golden models of a recipe. */
export const lastOf = (recipe: string): Model =>
  models.filter((told) => told.recipe === recipe).at(-1)!.model;

/** Compare values with a tolerance relative to the largest. */
export function expectClose(
  found: ArrayLike<number>,
  expected: ArrayLike<number>,
  tolerance: number,
): void {
  expect(found.length).toBe(expected.length);
  const values = Array.from(expected);
  const largest = values.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  const error = values.reduce(
    (most, value, at) => Math.max(most, Math.abs(value - found[at]!)),
    0,
  );
  expect(error).toBeLessThanOrEqual(tolerance * largest);
}
