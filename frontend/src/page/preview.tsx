/** The view drawn small and still, with what is folded in the overview left out. */

import type { Kind, View } from "../api/types";
import { OUTLINES } from "../draw/shapes";
import { span } from "../panels/scale";
import { linkKinds } from "../state/data";

const WIDTH = 280;
const HEIGHT = 130;
const ROOM = 14;
const MOST = 300;

/** Where nodes of a view stand in a picture of `WIDTH` by `HEIGHT`. */
export function placesOf(nodes: View["nodes"]): Map<string, { x: number; y: number; kind: Kind }> {
  const [left, right] = span(nodes.map(({ x }) => x)) ?? [0, 0];
  const [bottom, top] = span(nodes.map(({ y }) => y)) ?? [0, 0];
  const unit = Math.min(
    (WIDTH - 2 * ROOM) / Math.max(right - left, 1e-6),
    (HEIGHT - 2 * ROOM) / Math.max(top - bottom, 1e-6),
    90,
  );
  const place = (value: number, low: number, high: number): number => (value - (low + high) / 2) * unit;
  return new Map(
    nodes.map(({ key, kind, x, y }) => [
      key,
      { kind, x: WIDTH / 2 + place(x, left, right), y: HEIGHT / 2 - place(y, bottom, top) },
    ]),
  );
}

export function Preview({ view }: { view: View }) {
  const strongest = view.nodes.toSorted((one, other) => other.signal - one.signal).slice(0, MOST);
  const places = placesOf(strongest);
  const size = strongest.length <= 30 ? 7 : strongest.length <= 120 ? 4 : 2.5;
  return (
    <svg class="preview" viewBox={`0 0 ${WIDTH} ${HEIGHT}`} aria-hidden="true">
      {view.links.map(({ source, target, kind }) => {
        const [from, to] = [places.get(source), places.get(target)];
        if (!from || !to || linkKinds.value.get(kind)?.projection) return null;
        return <line key={`${kind} ${source} ${target}`} x1={from.x} y1={from.y} x2={to.x} y2={to.y} />;
      })}
      {[...places].map(([key, { x, y, kind }]) => (
        <path key={key} class={`is-${kind}`} d={OUTLINES[kind]} transform={`translate(${x} ${y}) scale(${size})`} />
      ))}
    </svg>
  );
}
