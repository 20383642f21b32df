import { describe, expect, it } from "vitest";
import { readModel } from "../../src/models/model.js";
import { arraysOf, type Head, withHead, withSaid, withValue } from "./hostile.js";
import { fileOf, models } from "./vectors.js";

const refused = (file: Uint8Array): void => {
  expect(() => readModel(file)).toThrow(expect.objectContaining({ code: "bad-model" }));
};

const arrayNames = (file: Uint8Array): string[] => {
  let found: string[] = [];
  withHead(file, (head) => {
    found = Object.keys(head).filter((name) => name !== "__metadata__");
  });
  return found;
};

describe.each(models)("the file of $title", (told) => {
  const file = fileOf(told);

  it("is sound", () => {
    expect(readModel(file).recipe).toBe(told.recipe);
  });

  it.each(arrayNames(file))("is refused without its %s, in another shape or of another type", (name) => {
    const bent = (change: (array: Head) => void) => withHead(file, (head) => change(head[name]));
    refused(withHead(file, (head) => void delete head[name]));
    refused(bent((array) => array.shape.push(1)));
    refused(bent((array) => array.shape.reverse().unshift(1)));
    refused(withHead(file, (head) => void (head.another = head[name])));
    refused(
      withHead(file, (head) => {
        head.another = head[name];
        delete head[name];
      }),
    );
  });

  it.each(arraysOf(file))("is refused with values out of range in its %s", (name) => {
    for (const value of [NaN, Infinity, -Infinity, 1.1e9, -1.1e9, 2 ** -61, -(2 ** -61), 1e-45]) {
      refused(withValue(file, name, value, [3]));
    }
    for (const fine of [0, 2 ** -60, 1e6]) {
      expect(readModel(withValue(file, name, fine, [3])).arrays.get(name)).toBeDefined();
    }
  });

  it("is refused with options, a round or a recipe out of range", () => {
    const options = readModel(file).options;
    for (const name of Object.keys(options)) {
      const fraction = ["dimension", "rounds", "vector_rounds"].includes(name) ? [1.5] : [];
      for (const wrong of [-1, 1e10, null, "1", [], Array(9).fill(1), [1.5, 0.5], ...fraction]) {
        refused(withSaid(file, "options", (said) => ({ ...said, [name]: wrong })));
      }
      refused(withSaid(file, "options", ({ [name]: _, ...others }) => others));
    }
    for (const round of [-1, 0.5, 11, "1", null]) refused(withSaid(file, "round", () => round));
    for (const recipe of ["constructor", "toString", "transitions", ""]) {
      refused(withHead(file, ({ __metadata__: said }) => void (said.model = recipe)));
    }
  });

  it("is refused with another catalog than its arrays are for, or none", () => {
    const items = (change: (items: string[]) => unknown) => withSaid(file, "items", change);
    refused(items((ids) => ids.slice(1)));
    refused(items((ids) => ids.map(() => ids[0])));
    refused(items((ids) => ids.map((_, number) => number)));
    refused(items((ids) => ids.map((id) => id.padEnd(513))));
    refused(items(() => []));
    refused(items(() => null));
    refused(withSaid(file, "titles", (titles) => titles.slice(1)));
    expect(readModel(withSaid(file, "titles", () => null)).titles).toEqual(told.model.items);
  });
});
