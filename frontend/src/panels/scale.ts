/** The arithmetic of charts: axes, places, paths. */

/** A reading: where along the axis, and what was measured there. */
export type Reading = readonly [across: number, value: number];

/** About `count` round numbers (1, 2 or 5 times a power of ten) that span low to high. */
export function ticks(low: number, high: number, count: number): number[] {
  if (!(high > low)) return [low];
  const rough = (high - low) / Math.max(1, count);
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * ([1, 2, 5].find((factor) => factor * power >= rough * 0.999) ?? 10);
  const first = Math.ceil(low / step - 1e-9);
  const last = Math.floor(high / step + 1e-9);
  const decimals = Math.max(0, Math.ceil(-Math.log10(step) - 1e-9));
  return Array.from({ length: last - first + 1 }, (_, index) =>
    Number(((first + index) * step).toFixed(decimals)),
  );
}

/** The map of one span onto another; a span of no width lands in the middle. */
export function linear(
  [low, high]: readonly [number, number],
  [from, to]: readonly [number, number],
): (value: number) => number {
  if (high === low) return () => (from + to) / 2;
  return (value) => from + ((value - low) / (high - low)) * (to - from);
}

/** The least and the greatest of values that are finite, or `null` where there is none. */
export function span(values: Iterable<number>): [number, number] | null {
  let [low, high] = [Infinity, -Infinity];
  for (const value of values) {
    if (!Number.isFinite(value)) continue;
    low = Math.min(low, value);
    high = Math.max(high, value);
  }
  return low <= high ? [low, high] : null;
}

/** An SVG path through readings; it breaks where a value is not finite. */
export function path(
  readings: readonly Reading[],
  across: (value: number) => number,
  up: (value: number) => number,
): string {
  let pen = "M";
  let drawn = "";
  for (const [at, value] of readings) {
    if (!Number.isFinite(at) || !Number.isFinite(value)) {
      pen = "M";
      continue;
    }
    drawn += `${pen}${across(at).toFixed(1)} ${up(value).toFixed(1)}`;
    pen = "L";
  }
  return drawn;
}

/** The position of the number of an ascending list that is nearest to `value`. */
export function nearest(ascending: readonly number[], value: number): number {
  let [low, high] = [0, ascending.length - 1];
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if ((ascending[middle] ?? 0) <= value) low = middle;
    else high = middle;
  }
  const [below, above] = [ascending[low] ?? 0, ascending[high] ?? 0];
  return Math.abs(value - below) <= Math.abs(above - value) ? low : high;
}

/** Places moved down so that no two are closer than `gap`, in their order and within `limit`. */
export function apart(places: readonly number[], gap: number, limit: number): number[] {
  const order = places.map((_, index) => index).sort((a, b) => (places[a] ?? 0) - (places[b] ?? 0));
  const moved = [...places];
  let least = -Infinity;
  for (const index of order) {
    moved[index] = Math.max(moved[index] ?? 0, least);
    least = (moved[index] ?? 0) + gap;
  }
  let most = limit;
  for (const index of order.reverse()) {
    moved[index] = Math.min(moved[index] ?? 0, most);
    most = (moved[index] ?? 0) - gap;
  }
  return moved;
}
