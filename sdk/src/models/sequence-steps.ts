/** The steps of the sequence models: item vectors, readouts, and own history. */
import { along, dot, totalSize, type Memory } from "./memories.js";
import { option, table, values, type Model } from "./model.js";
import { DECAYS } from "./own.js";
import { memoriesOf } from "./scorer.js";
import { addOuter, addTo, step, type Step } from "./step.js";

/** Of the squared length of states that do not cancel, what a term's is taken for at least. */
const LEAST = 0.01;

/** Sequence: the decayed co-occurrence of a user's items times the basis, by items' degrees. */
export function findVectors(model: Model): Step {
  const { data, size: d } = table(model, "vectors");
  const nearness = Math.fround(option(model, "nearness"));
  const roots = values(model, "counts").map((count) => 1 / Math.sqrt(Math.max(count, 1)));
  return step(data.length, (out, { items }) => {
    const n = items.length;
    const own = (t: number) =>
      Float64Array.from(
        data.subarray(items[t]! * d, (items[t]! + 1) * d),
        (value) => value * roots[items[t]!]!,
      );
    let ahead: Float64Array = new Float64Array(d);
    let behind = ahead;
    for (let t = 0; t < n; t++) {
      // The item itself is counted on the way forward only.
      addTo(out, items[n - 1 - t]! * d, behind, nearness);
      ahead = addTo(own(t), 0, ahead, nearness);
      addTo(out, items[t]! * d, ahead, 1);
      behind = addTo(own(n - 1 - t), 0, behind, nearness);
    }
  });
}

/** Sequence: the sums phi phi' and, where an item came next, phi; phi are states and a 1. */
export function readOut(model: Model): Step {
  const memories = memoriesOf(model);
  const size = totalSize(memories) + 1;
  const next = (size * (size + 1)) / 2;
  return step(next + model.items.length * size, (out, { items }) => {
    const phi = new Float64Array(size).fill(1);
    before(memories, items, (states, item) => {
      phi.set(states);
      addOuter(out, phi);
      addTo(out, next + item * size, phi, 1);
    });
  });
}

/** Sequence with repeats: the regression of what the readout leaves over on own counts. */
export function fitOwnHistory(model: Model): Step {
  const memories = memoriesOf(model);
  const weights = values(model, "weights");
  const size = totalSize(memories);
  const kinds = DECAYS.length;
  const residual = (kinds * (kinds + 1)) / 2;
  return step(residual + kinds, (out, { items }) => {
    const own = [...new Set(items)];
    const counts = DECAYS.map(() => new Float64Array(own.length));
    const x = new Float64Array(kinds);
    before(memories, items, (states, item, position) => {
      own.forEach((other, place) => {
        DECAYS.forEach((decay, kind) => {
          const met = items[position] === other ? 1 : 0;
          const count = decay * counts[kind]![place]! + met;
          counts[kind]![place] = count;
          x[kind] = Math.log1p(count);
        });
        const row = other * (size + 1);
        const said = dot(weights, row, states, 0, size) + weights[row + size]!;
        addOuter(out, x);
        addTo(out, residual, x, (item === other ? 1 : 0) - said);
      });
    });
  });
}

/** Private sequence: the unit states before each item, in its row, as a whole of length 1. */
export function readOutUnit(model: Model, name: string): Step {
  const { data, stride: size } = table(model, name);
  const memory = { data, stride: size, size, decay: Math.fround(option(model, "decay")) };
  return step(
    data.length,
    (out, { items }) => {
      let square = 0;
      before([memory], items, (state, item) => {
        addTo(out, item * size, state, 1);
        // A state of zeros counts as one of length 1.
        if (!state.some(Boolean)) square++;
      });
      square += dot(out, 0, out, 0, out.length);
      const length = Math.sqrt(Math.max(square, LEAST * Math.max(items.length - 1, 1)));
      out.forEach((value, at) => (out[at] = value / length));
    },
    true,
  );
}

/** Show the states before each interaction but the first, its item, and the position before. */
function before(
  memories: readonly Memory[],
  items: Int32Array,
  visit: (states: Float64Array, item: number, position: number) => void,
): void {
  along(memories, items.subarray(0, -1), (t, states) => visit(states, items[t + 1]!, t));
}
