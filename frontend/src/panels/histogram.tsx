/** Years as bars, with a range of them under two handles. */

import { useState } from "preact/hooks";
import { span } from "./scale";
import { whole } from "./words";

export interface Bars {
  first: number;
  last: number;
  /** One for each year from first to last, also the empty ones. */
  counts: number[];
  most: number;
}

/** Every year from the first to the last that has anything or is a bound; `null` without any. */
export function barsOf(
  years: Readonly<Record<string, number>>,
  since: number | null = null,
  until: number | null = null,
): Bars | null {
  const counted = Object.keys(years).map(Number);
  if (counted.length === 0) return null;
  const [first, last] = span([...counted, since ?? NaN, until ?? NaN]) ?? [0, 0];
  const counts = Array.from({ length: last - first + 1 }, (_, index) => years[String(first + index)] ?? 0);
  return { first, last, counts, most: Math.max(...counts, 1) };
}

/** A range as bounds: an end that leaves nothing out is no bound. */
export function rangeOf(bars: Bars, since: number, until: number): [since: number | null, until: number | null] {
  return [since <= bars.first ? null : since, until >= bars.last ? null : until];
}

export interface YearHistogramProps {
  years: Readonly<Record<string, number>>;
  since: number | null;
  until: number | null;
  onRange: (since: number | null, until: number | null) => void;
}

const HEIGHT = 44;

/** The histogram and its range; the view is asked for when a handle is let go. */
export function YearHistogram({ years, since, until, onRange }: YearHistogramProps) {
  const bars = barsOf(years, since, until);
  const [held, setHeld] = useState<readonly [number, number] | null>(null);
  if (!bars || bars.first === bars.last) return null;
  const clamp = (year: number): number => Math.min(bars.last, Math.max(bars.first, year));
  const [from, to] = held ?? [clamp(since ?? bars.first), clamp(until ?? bars.last)];
  const width = 100 / bars.counts.length;
  const shown = bars.counts.reduce(
    (sum, count, index) => sum + (bars.first + index >= from && bars.first + index <= to ? count : 0),
    0,
  );
  const settle = (): void => {
    if (held) onRange(...rangeOf(bars, ...held));
    setHeld(null);
  };
  const handle = (label: string, year: number, hold: (year: number) => [number, number]) => (
    <input
      type="range"
      min={bars.first}
      max={bars.last}
      value={year}
      aria-label={label}
      onInput={({ currentTarget }) => setHeld(hold(Number(currentTarget.value)))}
      onChange={settle}
    />
  );
  return (
    <div class="years" role="group" aria-label="Years">
      <svg viewBox={`0 0 100 ${HEIGHT}`} preserveAspectRatio="none" aria-hidden="true">
        {bars.counts.map((count, index) => {
          const year = bars.first + index;
          const height = count === 0 ? 0 : Math.max(2, (count / bars.most) * HEIGHT);
          return (
            <rect
              key={year}
              class={year >= from && year <= to ? "is-in" : ""}
              x={index * width + 0.08 * width}
              y={HEIGHT - height}
              width={0.84 * width}
              height={height}
              onClick={() => onRange(...rangeOf(bars, year, year))}
            >
              <title>{`${year}: ${whole(count)}`}</title>
            </rect>
          );
        })}
      </svg>
      <div class="years-handles">
        {handle("First year shown", from, (year) => [Math.min(year, to), to])}
        {handle("Last year shown", to, (year) => [from, Math.max(year, from)])}
      </div>
      <p>
        <span>
          <b>{from === to ? from : `${from} \u2013 ${to}`}</b>, {whole(shown)} with a year
        </span>
        {(since !== null || until !== null) && (
          <button type="button" class="years-all" onClick={() => onRange(null, null)}>
            All years
          </button>
        )}
      </p>
    </div>
  );
}
