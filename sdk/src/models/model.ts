/** The public model file: a recipe, what it has learned, and the catalog. */
import { HedgerowError } from "../errors.js";
import { isCatalog, KNOWN, unsound } from "./expected.js";
import { readTensors, type Tensor } from "./safetensors.js";

const KIND = "hedgerow model, version 1";

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
 * @throws HedgerowError `bad-model`: it is damaged, of a kind that browsers do not know, or holds
 *   what its recipe does not.
 */
export function readModel(file: Uint8Array): Model {
  try {
    const { head, arrays } = readTensors(file);
    const { kind, model: recipe } = head;
    refuseIf(kind !== KIND, `The file is no ${KIND}; name another.`);
    const known = KNOWN.includes(recipe!);
    refuseIf(!known, `Browsers know no ${recipe} model; train one of ${KNOWN.join(", ")}.`);
    const [options, items, named, round] = [head.options, head.items, head.titles, head.round].map(
      (text) => JSON.parse(text!),
    );
    const titles = named ?? items;
    refuseIf(options.fourier > 0, "Browsers know no Fourier features; train the preset phone.");
    refuseIf(!isCatalog(items, titles), "The model's catalog is none; train it again.");
    const wrong = unsound(recipe!, options, round, items.length, arrays);
    refuseIf(wrong !== undefined, `The model's ${wrong} is not as it has to be; train it again.`);
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
  const tensor = model.arrays.get(name)!;
  const [, size = 1] = tensor.shape;
  return { data: floats(tensor), stride: size, size };
}

/** Return an array that has one value for each item. */
export const values = (model: Model, name: string): Float32Array => table(model, name).data;

/** Return a tensor's values as 32-bit floats. */
export const floats = ({ data }: Tensor): Float32Array =>
  data instanceof Float32Array ? data : Float32Array.from(data as Float64Array, Number);

/** Return a hyper-parameter that is a number. */
export const option = (model: Model, name: string): number => model.options[name] as number;
