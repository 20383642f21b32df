import { type Tensor } from "./safetensors.js";
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
/**
 * Read a model file. The checksum within is for files at rest and left aside: whoever needs to know
 * which model this is compares the SHA-256 of the whole file with the one that was named.
 *
 * @throws HedgerowError `bad-model`: it is damaged, of a kind that browsers do not know, or holds
 *   what its recipe does not.
 */
export declare function readModel(file: Uint8Array): Model;
/** Return an array that has a row for each item. */
export declare function table(model: Model, name: string): Vectors;
/** Return an array that has one value for each item. */
export declare const values: (model: Model, name: string) => Float32Array;
/** Return a tensor's values as 32-bit floats. */
export declare const floats: ({ data }: Tensor) => Float32Array;
/** Return a hyper-parameter that is a number. */
export declare const option: (model: Model, name: string) => number;
