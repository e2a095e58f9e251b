/** Line charts that can be read by eye, pointer, finger, key, screen reader and as a table. */

import { useEffect, useRef, useState } from "preact/hooks";
import { apart, linear, nearest, path, type Reading, span, ticks } from "./scale";
import { round } from "./words";

/** A line; `hue` is the number of its colour in the style sheet. */
export interface Series {
  name: string;
  hue: number;
  readings: readonly Reading[];
}

/** A height that stands for the whole chart, such as the teacher's accuracy. */
export interface Level {
  name: string;
  value: number;
}

export interface LineChartProps {
  title: string;
  /** What runs along the axis, such as `Epoch`. */
  across: string;
  series: readonly Series[];
  format: (value: number) => string;
  /** How the heights of the axis are written, where that is other than as round numbers. */
  formatTick?: (value: number) => string;
  levels?: readonly Level[];
  /** A height that the axis must reach down to. */
  floor?: number;
}

export interface Table {
  head: readonly string[];
  rows: readonly (readonly (number | null)[])[];
}

const HEIGHT = 190;
const MARGIN = { top: 12, right: 14, bottom: 24, left: 46 };
const LABEL = { gap: 14, room: 92, from: 420, letters: 14 };

/** Everywhere along the axis that some line has a reading, in order. */
export function stops(series: readonly Series[]): number[] {
  const places = new Set(series.flatMap((line) => line.readings.map(([at]) => at)));
  return [...places].sort((a, b) => a - b);
}

/** What the lines show, row by row: the same readings, `null` where a line has none. */
export function tabulate(across: string, series: readonly Series[]): Table {
  const columns = series.map((line) => new Map(line.readings));
  return {
    head: [across, ...series.map((line) => line.name)],
    rows: stops(series).map((at) => [at, ...columns.map((column) => column.get(at) ?? null)]),
  };
}

/** The line's last reading at or before a place, or `null` before its first. */
export function readAt(line: Series, at: number): number | null {
  let value: number | null = null;
  for (const [place, reading] of line.readings) {
    if (place > at) break;
    value = reading;
  }
  return value;
}

/** A place along the axis: whole epochs without decimals. */
export function place(at: number): string {
  return Number.isInteger(at) ? String(at) : at.toFixed(2);
}

function useWidth(): [(element: HTMLElement | null) => void, number] {
  const [width, setWidth] = useState(480);
  const [element, setElement] = useState<HTMLElement | null>(null);
  useEffect(() => {
    if (!element || typeof ResizeObserver === "undefined") return undefined;
    const observer = new ResizeObserver(([entry]) => {
      if (entry) setWidth(Math.max(200, Math.round(entry.contentRect.width)));
    });
    observer.observe(element);
    return () => observer.disconnect();
  }, [element]);
  return [setElement, width];
}

/** A chart of lines over one axis, with legend, read-out and table. */
export function LineChart(props: LineChartProps) {
  const { title, across, series, format, formatTick = round, levels = [], floor } = props;
  const [hidden, setHidden] = useState<ReadonlySet<string>>(new Set());
  const [stop, setStop] = useState<number | null>(null);
  const [measure, width] = useWidth();
  const plot = useRef<SVGSVGElement>(null);

  const shown = series.filter((line) => !hidden.has(line.name));
  const places = stops(shown);
  const named = width >= LABEL.from && shown.length + levels.length > 1;
  const right = width - (named ? LABEL.room : MARGIN.right);
  const bottom = HEIGHT - MARGIN.bottom;
  const [first, last] = span(places) ?? [0, 1];
  const heights = shown.flatMap((line) => line.readings.map(([, value]) => value));
  const [low, high] = bounds([...heights, ...levels.map((level) => level.value)], floor);
  const x = linear([first, last], [MARGIN.left, right]);
  const y = linear([low, high], [bottom, MARGIN.top]);

  const at = stop === null ? null : (places[Math.min(stop, places.length - 1)] ?? null);
  const readings = series.map((line) => readAt(line, at ?? Infinity));
  const told = (at ?? places.at(-1)) ?? null;
  const story = shown
    .map((line) => [line, readAt(line, at ?? Infinity)] as const)
    .map(([line, value]) => `${line.name} ${value === null ? "no reading" : format(value)}`)
    .join(", ");

  const follow = (event: PointerEvent): void => {
    const box = plot.current?.getBoundingClientRect();
    if (!box?.width || places.length === 0) return;
    const back = linear([MARGIN.left, right], [first, last]);
    setStop(nearest(places, back(((event.clientX - box.left) / box.width) * width)));
  };
  const step = (event: KeyboardEvent): void => {
    const here = stop ?? places.length - 1;
    const page = Math.max(1, Math.round(places.length / 10));
    const next: Record<string, number> = {
      ArrowLeft: here - 1,
      ArrowDown: here - 1,
      ArrowRight: here + 1,
      ArrowUp: here + 1,
      PageDown: here - page,
      PageUp: here + page,
      Home: 0,
      End: places.length - 1,
    };
    const to = next[event.key];
    if (event.key === "Escape" && stop !== null) setStop(null);
    else if (to === undefined) return;
    else setStop(Math.min(places.length - 1, Math.max(0, to)));
    event.preventDefault();
    event.stopPropagation();
  };
  const toggle = (name: string): void => {
    const next = new Set(hidden);
    if (!next.delete(name)) next.add(name);
    setHidden(next);
  };

  const ends = named
    ? [
        ...shown.map((line) => ({ ...line, value: line.readings.at(-1)?.[1] ?? low })),
        ...levels.map((level) => ({ ...level, hue: -1 })),
      ]
    : [];
  const endHeights = apart(ends.map((end) => y(end.value)), LABEL.gap, bottom);

  return (
    <figure class="chart" ref={measure}>
      <figcaption>
        <span class="chart-title">{title}</span>
        <span class="chart-at">{told === null ? "" : `${across.toLowerCase()} ${place(told)}`}</span>
      </figcaption>
      {heights.length === 0 && shown.length === series.length ? (
        <p class="panel-quiet">Nothing measured yet.</p>
      ) : (
        <div
          class="chart-plot"
          role="slider"
          tabIndex={0}
          aria-label={`${title}, read along the ${across.toLowerCase()}s`}
          aria-valuemin={0}
          aria-valuemax={Math.max(0, places.length - 1)}
          aria-valuenow={Math.min(stop ?? places.length - 1, Math.max(0, places.length - 1))}
          aria-valuetext={told === null ? "all lines hidden" : `${across} ${place(told)}: ${story}`}
          onPointerMove={follow}
          onPointerDown={follow}
          onPointerLeave={() => setStop(null)}
          onBlur={() => setStop(null)}
          onKeyDown={step}
        >
          <svg ref={plot} viewBox={`0 0 ${width} ${HEIGHT}`} aria-hidden="true" focusable="false">
            {ticks(low, high, 5).map((value) => (
              <g key={value}>
                <line class="chart-grid" x1={MARGIN.left} x2={right} y1={y(value)} y2={y(value)} />
                <text class="chart-tick" x={MARGIN.left - 8} y={y(value)} dy="0.32em" text-anchor="end">
                  {formatTick(value)}
                </text>
              </g>
            ))}
            {ticks(first, last, Math.min(8, Math.max(2, width / 80))).map((value) => (
              <text class="chart-tick" key={value} x={x(value)} y={HEIGHT - 6} text-anchor="middle">
                {place(value)}
              </text>
            ))}
            {levels.map((level) => (
              <line
                class="chart-level"
                key={level.name}
                x1={MARGIN.left}
                x2={right}
                y1={y(level.value)}
                y2={y(level.value)}
              />
            ))}
            {shown.map((line) => (
              <g key={line.name} class={`chart-line hue-${line.hue}`}>
                <path d={path(line.readings, x, y)} />
                {line.readings.length <= 30 &&
                  line.readings.map(([place, value]) => (
                    <circle key={place} cx={x(place)} cy={y(value)} r={line.readings.length === 1 ? 4 : 2} />
                  ))}
              </g>
            ))}
            {ends.map((end, index) => (
              <text
                class={`chart-end hue-${end.hue}`}
                key={end.name}
                x={right + 8}
                y={endHeights[index]}
                dy="0.32em"
              >
                {shorten(end.name)}
              </text>
            ))}
            {at !== null && (
              <g>
                <line class="chart-rule" x1={x(at)} x2={x(at)} y1={MARGIN.top} y2={bottom} />
                {shown.map((line) => {
                  const value = readAt(line, at);
                  return value === null ? null : (
                    <circle
                      class={`chart-dot hue-${line.hue}`}
                      key={line.name}
                      cx={x(at)}
                      cy={y(value)}
                      r={4}
                    />
                  );
                })}
              </g>
            )}
          </svg>
        </div>
      )}
      <ul class="chart-legend">
        {series.map((line, index) => {
          const value = readings[index] ?? null;
          return (
            <li key={line.name}>
              <button
                type="button"
                class={`hue-${line.hue}`}
                aria-pressed={!hidden.has(line.name)}
                title={hidden.has(line.name) ? "Show this line" : "Hide this line"}
                onClick={() => toggle(line.name)}
              >
                <span class="chart-swatch" aria-hidden="true" />
                {line.name} <b>{value === null ? "\u2013" : format(value)}</b>
              </button>
            </li>
          );
        })}
        {levels.map((level) => (
          <li key={level.name} class="chart-legend-level">
            <span class="chart-swatch" aria-hidden="true" />
            {level.name} <b>{format(level.value)}</b>
          </li>
        ))}
      </ul>
      <ChartTable title={title} across={across} series={series} format={format} />
    </figure>
  );
}

/** The numbers of a chart, made when somebody asks for them. */
function ChartTable(props: {
  title: string;
  across: string;
  series: readonly Series[];
  format: (value: number) => string;
}) {
  const [open, setOpen] = useState(false);
  const table = open ? tabulate(props.across, props.series) : null;
  return (
    <details class="chart-table" onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>
        Numbers<span class="panel-hidden"> of {props.title}</span>
      </summary>
      {table && (
        <div class="panel-scroll" tabIndex={0} role="region" aria-label={`${props.title}, numbers`}>
          <table>
            <thead>
              <tr>
                {table.head.map((name) => (
                  <th key={name} scope="col">
                    {name}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {table.rows.map(([at, ...values]) => (
                <tr key={at}>
                  <th scope="row">{place(at ?? 0)}</th>
                  {values.map((value, column) => (
                    <td key={column}>{value === null ? "\u2013" : props.format(value)}</td>
                  ))}
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </details>
  );
}

/** The heights that a chart spans: those of its lines and some air, down to `floor` if given. */
export function bounds(heights: readonly number[], floor?: number): [number, number] {
  const found = span(floor === undefined ? heights : [...heights, floor]);
  if (!found) return [0, 1];
  const [low, high] = found;
  const air = high > low ? 0.06 * (high - low) : Math.abs(high) * 0.1 || 1;
  return [floor === undefined || low < floor ? low - air : low, high + air];
}

function shorten(name: string): string {
  return name.length <= LABEL.letters ? name : `${name.slice(0, LABEL.letters - 1)}\u2026`;
}
