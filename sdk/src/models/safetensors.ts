/** Named arrays of a safetensors file. */

const TYPES = { F32: Float32Array, F64: Float64Array, I64: BigInt64Array };

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
export function readTensors(file: Uint8Array): Tensors {
  const start = 8 + Number(new DataView(file.buffer, file.byteOffset).getBigUint64(0, true));
  const { __metadata__: head = {}, ...entries } = JSON.parse(
    new TextDecoder("utf-8", { fatal: true }).decode(file.subarray(8, start)),
  );
  const arrays = new Map<string, Tensor>();
  for (const [name, { dtype, shape, data_offsets }] of Object.entries<any>(entries)) {
    // A copy, because an array has to start at a multiple of its values' size.
    const bytes = file.slice(start + data_offsets[0], start + data_offsets[1]);
    const data = new TYPES[dtype as keyof typeof TYPES](bytes.buffer);
    if (data.length !== shape.reduce((a: number, b: number) => a * b, 1)) throw Error(name);
    arrays.set(name, { shape, data });
  }
  return { head, arrays };
}
