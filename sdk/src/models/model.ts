/** The public model file: a recipe, what it has learned, and the catalog. */
import { HedgerowError } from "../errors.js";
import { readTensors, type Tensor } from "./safetensors.js";

const KIND = "hedgerow model, version 1";
const RECIPES = ["popularity", "als", "sequence", "private_sequence"];

export interface Model {
  readonly recipe: string;
  /** Hyper-parameters. */
  readonly options: Readonly<Record<string, unknown>>;
  /** How many steps of training are done. */
  readonly round: number;
  /** Item ids by number. */
  readonly items: readonly string[];
  readonly titles: readonly string[];
  /** The number of each item id. */
  readonly numbers: ReadonlyMap<string, number>;
  readonly arrays: ReadonlyMap<string, Tensor>;
}

/** The first `size` values of rows that are `stride` long, one for each item. */
export interface Vectors {
  readonly data: Float32Array;
  readonly stride: number;
  readonly size: number;
}

const refuseIf = (wrong: boolean, sentence: string): void => {
  if (wrong) throw new HedgerowError("bad-model", sentence);
};

/**
 * Read a model file. The checksum within is for files at rest and left aside: whoever needs to know
 * which model this is compares the SHA-256 of the whole file with the one that was named.
 *
 * @throws HedgerowError `bad-model`: it is damaged, or of a kind that browsers do not know.
 */
export function readModel(file: Uint8Array): Model {
  try {
    const { head, arrays } = readTensors(file);
    const { kind, model: recipe } = head;
    refuseIf(kind !== KIND, `The file is no ${KIND}; name another.`);
    const known = RECIPES.includes(recipe!);
    refuseIf(!known, `Browsers know no ${recipe} model; train one of ${RECIPES.join(", ")}.`);
    const [options, items, titles, round] = [head.options, head.items, head.titles, head.round].map(
      (text) => JSON.parse(text!),
    );
    refuseIf(options.fourier > 0, "Browsers know no Fourier features; train the preset phone.");
    const numbers = new Map<string, number>();
    items.forEach((item: string, number: number) => numbers.set(item, number));
    return { recipe: recipe!, options, round, items, titles, numbers, arrays };
  } catch (problem) {
    if (problem instanceof HedgerowError) throw problem;
    throw new HedgerowError("bad-model", "The model file is damaged; fetch it again.");
  }
}

/** Return an array that has a row for each item. */
export function table(model: Model, name: string): Vectors {
  const tensor = model.arrays.get(name);
  const [count, size = 1] = tensor?.shape ?? [];
  refuseIf(count !== model.items.length, `The model's ${name} do not fit its catalog.`);
  return { data: floats(tensor!), stride: size, size };
}

/** Return an array that has one value for each item. */
export const values = (model: Model, name: string): Float32Array => table(model, name).data;

/** Return a tensor's values as 32-bit floats. */
export const floats = ({ data }: Tensor): Float32Array =>
  data instanceof Float32Array ? data : Float32Array.from(data as Float64Array, Number);

/** Return a hyper-parameter that is a number. */
export function option(model: Model, name: string): number {
  const value = model.options[name];
  refuseIf(typeof value !== "number", `The model lacks its ${name}.`);
  return value as number;
}
