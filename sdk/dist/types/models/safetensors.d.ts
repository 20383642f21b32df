/** Named arrays of a safetensors file. */
export interface Tensor {
    readonly shape: readonly number[];
    readonly data: Float32Array | Float64Array | BigInt64Array;
}
export interface Tensors {
    /** What the file says beside its arrays. */
    readonly head: Readonly<Record<string, string>>;
    readonly arrays: ReadonlyMap<string, Tensor>;
}
/**
 * Read a file.
 *
 * @throws Error It is damaged, or holds other types.
 */
export declare function readTensors(file: Uint8Array): Tensors;
