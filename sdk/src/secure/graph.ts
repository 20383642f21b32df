/** Who holds shares for whom: a random regular graph that nobody chose (Bell et al. 2020). */
import { type Bytes, labelled } from "../bytes.js";
import { streamOf } from "../noise/stream.js";
import { sha256 } from "./crypto.js";

/** A position's neighbours in the graph that a view of a session fixes, in their order. */
export async function neighboursOf(
  view: Bytes,
  clients: number,
  degree: number,
  position: number,
): Promise<number[]> {
  const stream = streamOf(await sha256(labelled("graph", view)));
  const words = new BigUint64Array(await stream(8 * clients));
  const order = Uint32Array.from({ length: clients }, (_, at) => at);
  order.sort((a, b) => (words[a]! < words[b]! ? -1 : words[a]! > words[b]! ? 1 : a - b));
  const place = order.indexOf(position);
  return Array.from({ length: degree }, (_, i) => {
    const step = (i >> 1) + 1;
    const offset = degree === clients - 1 ? i + 1 : i % 2 ? clients - step : step;
    return order[(place + offset) % clients]!;
  });
}
