/** Model files that a coordinator bends, on the golden ones. */
import { hex } from "../../src/bytes.js";
import { sha256 } from "../../src/secure/crypto.js";

/** What a file's head says of its arrays, and beside them. */
export type Head = Record<string, any>;

const headOf = (file: Uint8Array): { head: Head; start: number } => {
  const start = 8 + Number(new DataView(file.buffer, file.byteOffset).getBigUint64(0, true));
  return { head: JSON.parse(new TextDecoder().decode(file.subarray(8, start))), start };
};

/** The names of a file's arrays of 32-bit floats. */
export const arraysOf = (file: Uint8Array): string[] =>
  Object.entries(headOf(file).head)
    .filter(([, { dtype }]) => dtype === "F32")
    .map(([name]) => name);

/** Return a file with another value in the rows of some items of one of its arrays. */
export function withValue(
  file: Uint8Array,
  name: string,
  value: number,
  rows: readonly number[],
): Uint8Array {
  const { head, start } = headOf(file);
  const bent = file.slice();
  const { shape, data_offsets } = head[name];
  const size = shape[1] ?? 1;
  const view = new DataView(bent.buffer, start + data_offsets[0]);
  for (const row of rows)
    for (let k = 0; k < size; k++) view.setFloat32(4 * (row * size + k), value, true);
  return bent;
}

/** Return a file whose head is another. */
export function withHead(file: Uint8Array, change: (head: Head) => void): Uint8Array {
  const { head, start } = headOf(file);
  change(head);
  const text = new TextEncoder().encode(JSON.stringify(head));
  const bent = new Uint8Array(8 + text.length + file.length - start);
  new DataView(bent.buffer).setBigUint64(0, BigInt(text.length), true);
  bent.set(text, 8);
  bent.set(file.subarray(start), 8 + text.length);
  return bent;
}

/** Return a file with another value of what its head says in JSON, such as an option. */
export const withSaid = (file: Uint8Array, name: string, change: (said: any) => unknown): Uint8Array =>
  withHead(file, ({ __metadata__: said }) => {
    said[name] = JSON.stringify(change(JSON.parse(said[name])));
  });

/** Return an ask about another model. */
export const about = async (ask: string, file: Uint8Array): Promise<string> =>
  ask.replace(/"model":"[0-9a-f]{64}"/, `"model":"${hex(await sha256(file))}"`);
