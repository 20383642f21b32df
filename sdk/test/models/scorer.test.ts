import { describe, expect, it } from "vitest";
import { prepare } from "../../src/models/als.js";
import { scorerOf } from "../../src/models/scorer.js";
import { expectClose, histories, models } from "./vectors.js";

describe.each(models)("$title", ({ model, scores }) => {
  const scorer = scorerOf(model);

  it.each(histories.map((history, who) => ({ history, who })))(
    "scores history $who as Python does",
    ({ history, who }) => {
      expectClose(scorer.scores(history), scores[who]!, 1e-5);
    },
  );

  it("gives the same when it was prepared", async () => {
    const once = scorer.scores(histories[3]!);
    await prepare(model);
    expect(scorerOf(model).scores(histories[3]!)).toEqual(once);
  });

  it("gives the same after other histories", () => {
    const once = scorer.scores(histories[3]!);
    scorer.scores(histories[6]!);
    expect(scorer.scores(histories[3]!)).toEqual(once);
  });
});
