/** Noise that clients make together: the Skellam mechanism (Agarwal, Kairouz and Liu 2021). */
import { insist } from "../insist.js";
import { nextUp } from "./quantizer.js";
import { type Table, tableOf } from "./skellam_table.js";
import type { Stream } from "./stream.js";

/** The largest variance of one draw. */
const WIDEST_DRAW = 2 ** 28;
const MOST_DRAWS = 64;
/** Half the probability that is cut off from one draw, 2**-120. */
const GOAL = -Math.log(2 ** -121);
/** Half the reach of any draw, or more. */
const FURTHEST = 1 << 18;
/** Draws after which ties are broken, and those that are made at a stretch. */
const CHUNK = 1 << 16;
const STRETCH = 1 << 14;

/** What each client adds, and the fewest survivors with whom that is enough. */
export interface Share {
  readonly variance: number;
  readonly minimum: number;
}

/** The noise each client adds, so that the honest survivors' sum has the variance. */
export function shareOf(
  total: number,
  clients: number,
  adversaries: number,
  dropouts: number,
): Share {
  // The slack keeps a product such as 100 * 0.29 from falling just below its integer.
  const gone = Math.floor(clients * dropouts + 1e-9);
  const part = Math.floor(clients * adversaries + 1e-9);
  // Where there may be adversaries at all, one is reckoned with among however few.
  const foes = adversaries > 0 ? Math.min(Math.max(part, 1), clients - 1) : part;
  const honest = clients - foes - gone;
  insist(honest >= 1, "too-few-clients");
  const variance = total / honest;
  return {
    variance: variance * honest < total ? nextUp(variance) : variance,
    minimum: clients - gone,
  };
}

/** The largest absolute value that is drawn for a variance. */
export function skellamBound(variance: number): number {
  const [draws, each] = drawsOf(variance);
  return draws && draws * reachOf(each);
}

let cached: { variance: number; table: Promise<Table> } | undefined;

/**
 * Skellam numbers of mean 0, exact but for a total variation of 2**-102: by inversion of the
 * distribution function from a table of 127-bit thresholds.
 */
export async function sampleSkellam(
  stream: Stream,
  count: number,
  variance: number,
): Promise<Float64Array> {
  const out = new Float64Array(count);
  const [draws, each] = drawsOf(variance);
  if (!draws) return out;
  if (cached?.variance !== each) cached = { variance: each, table: tableOf(each, reachOf(each)) };
  const table = await cached.table;
  for (let draw = 0; draw < draws; draw++) {
    for (let start = 0; start < count; start += CHUNK) {
      await addDraw(out.subarray(start, start + CHUNK), table, stream);
    }
  }
  return out;
}

async function addDraw(out: Float64Array, table: Table, stream: Stream): Promise<void> {
  const { high, low, guide, halves } = table;
  const ties: [at: number, found: number, sign: number][] = [];
  for (let start = 0; start < out.length; start += STRETCH) {
    const part = out.subarray(start, start + STRETCH);
    const words = new Uint32Array(await stream(8 * part.length));
    for (let i = 0; i < part.length; i++) {
      // The lowest bit is the sign, the others are the 63 high bits of a number to invert.
      const sign = words[2 * i]! & 1 ? -1 : 1;
      const top = words[2 * i + 1]! >>> 1;
      const rest = ((words[2 * i + 1]! << 31) | (words[2 * i]! >>> 1)) >>> 0;
      let found = guide[top >>> 15]!;
      for (; halves[2 * found + 1]! <= top; found++) {
        if (halves[2 * found + 1] === top && halves[2 * found]! > rest) break;
      }
      if (found && halves[2 * found - 1] === top && halves[2 * found - 2] === rest) {
        ties.push([start + i, found, sign]);
      }
      part[i]! += sign * found;
    }
  }
  // The low bits matter, and are drawn, only where the high ones equal a threshold's.
  for (const [i, found, sign] of ties) {
    const rest = new BigUint64Array(await stream(8))[0]!;
    for (let at = found - 1; high[at] === high[found - 1] && low[at]! > rest; at--) {
      out[i]! -= sign;
    }
  }
}

/** Where the Chernoff bound on both tails of the distribution falls to 2**-120. */
function reachOf(variance: number): number {
  const within = (value: number): boolean => {
    const slope = value / variance;
    const rise = slope * (slope / (Math.hypot(1, slope) + 1));
    return value * Math.asinh(slope) - variance * rise < GOAL;
  };
  let reach = 0;
  for (let step = FURTHEST; step >= 1; step /= 2) if (within(reach + step)) reach += step;
  return reach + 1;
}

/** How many draws are added up, and the variance of each. */
function drawsOf(variance: number): [number, number] {
  insist(variance >= 0 && variance <= WIDEST_DRAW * MOST_DRAWS, "bad-variance");
  const draws = Math.ceil(variance / WIDEST_DRAW);
  // Rounded up, so that the draws never add up to less.
  return [draws, draws > 1 ? nextUp(variance / draws) : variance];
}
