/** Refusals whose code says it all. */
import { HedgerowError } from "./errors.js";

/** Refuses, under a code, whatever does not hold; the code's words are the reason. */
export function insist(holds: unknown, code: string): asserts holds {
  if (!holds) {
    const why = code.replaceAll("-", " ");
    throw new HedgerowError(code, `This browser stays out of what it is asked for: ${why}.`);
  }
}
