/** What a user's own past says of meeting the same item again, where repeats are allowed. */

/** From 'just met' to 'met at all'. */
export const DECAYS = [0, 0.5, 0.8, 0.99].map(Math.fround);

/** Return the weighted sum of log(1 + decayed count) for each own item. */
export function recalled(items: Int32Array, coefficients: readonly number[]): Map<number, number> {
  const found = new Map<number, number>();
  DECAYS.forEach((decay, place) => {
    const counts = new Map<number, number>();
    items.forEach((item, t) =>
      counts.set(item, (counts.get(item) ?? 0) + decay ** (items.length - 1 - t)),
    );
    for (const [item, count] of counts)
      found.set(item, (found.get(item) ?? 0) + coefficients[place]! * Math.log1p(count));
  });
  return found;
}
