/** Names beneath nodes, letters in them and words on links: as many as fit without covering each other. */

import type { Kind } from "../api/types";
import type { Along } from "./line";
import { mix, type Palette } from "./palette";
import { OUTLINES } from "./shapes";

/** A node on the screen, in pixels. */
export interface Spot {
  x: number;
  y: number;
  radius: number;
  kind: Kind;
  label: string;
  sub: string;
  /** What is drawn in it; "" where it is too small. */
  letter: string;
  /** Higher comes first. */
  weight: number;
  /** Faded because something else is looked at. */
  dim: boolean;
  picked: boolean;
  colour: string;
}

/** A link on the screen, from 0 at its source to 1 at its target. */
export interface Span {
  at: Along;
  label: string;
  weight: number;
  strong: boolean;
}

interface Rectangle {
  left: number;
  top: number;
  right: number;
  bottom: number;
}

/** Rectangles of which no two overlap. */
export class Room {
  private readonly taken: Rectangle[] = [];

  /** Take the rectangle if it is free. */
  take(rectangle: Rectangle): boolean {
    const free = this.taken.every(
      (other) =>
        rectangle.right <= other.left || other.right <= rectangle.left ||
        rectangle.bottom <= other.top || other.bottom <= rectangle.top,
    ); // prettier-ignore
    if (free) this.taken.push(rectangle);
    return free;
  }

  /** Take it, free or not. */
  occupy(rectangle: Rectangle): void {
    this.taken.push(rectangle);
  }
}

const WIDEST = 190;
const ALONG = [0.5, 0.42, 0.58, 0.34, 0.66, 0.27, 0.73]; // where words may stand on a link, the middle first
const OUTLINE_PATHS = new Map<Kind, Path2D>();

function outline(kind: Kind): Path2D {
  let path = OUTLINE_PATHS.get(kind);
  if (!path) OUTLINE_PATHS.set(kind, (path = new Path2D(OUTLINES[kind])));
  return path;
}

/** A text in at most two lines of `WIDEST` pixels, the second cut with an ellipsis. */
export function lines(text: string, width: (text: string) => number, widest = WIDEST): string[] {
  if (width(text) <= widest) return [text];
  const words = text.split(" ");
  let first = "";
  while (words.length && width(first ? `${first} ${words[0]}` : words[0]!) <= widest) {
    first = first ? `${first} ${words.shift()}` : words.shift()!;
  }
  if (!first) return [cut(text, width, widest)];
  return words.length ? [first, cut(words.join(" "), width, widest)] : [first];
}

function cut(text: string, width: (text: string) => number, widest: number): string {
  if (width(text) <= widest) return text;
  let end = text.length;
  while (end > 1 && width(`${text.slice(0, end)}…`) > widest) end -= 1;
  return `${text.slice(0, end).trimEnd()}…`;
}

/** Draw everything that is text, the strongest first. */
export function drawNames(
  context: CanvasRenderingContext2D,
  spots: readonly Spot[],
  spans: readonly Span[],
  palette: Palette,
): void {
  const room = new Room();
  const { background, ink, quiet, accent, font } = palette;
  context.textAlign = "center";
  context.lineJoin = "round";
  context.textBaseline = "middle";
  for (const { x, y, radius, letter } of spots) {
    if (letter) room.occupy({ left: x - radius, top: y - radius, right: x + radius, bottom: y + radius });
  }

  for (const spot of spots) {
    if (spot.picked) {
      context.save();
      context.translate(spot.x, spot.y);
      const scale = spot.radius + 5;
      context.scale(scale, scale);
      context.lineWidth = 2.25 / scale;
      context.strokeStyle = accent;
      context.stroke(outline(spot.kind));
      context.restore();
    }
    if (spot.letter) {
      context.font = `650 ${Math.round(Math.min(spot.radius * 0.92, 20))}px ${font}`;
      context.fillStyle = background;
      context.fillText(spot.letter, spot.x, spot.y + 0.5);
    }
  }

  const written = (text: string, x: number, y: number, colour: string): void => {
    context.strokeStyle = background;
    context.lineWidth = 4;
    context.strokeText(text, x, y);
    context.fillStyle = colour;
    context.fillText(text, x, y);
  };

  for (const spot of [...spots].sort((one, other) => other.weight - one.weight)) {
    const size = spot.radius >= 14 ? 13 : spot.radius >= 6 ? 12 : 11;
    const name = `${spot.picked ? 650 : 550} ${size}px ${font}`;
    context.font = name;
    const label = lines(spot.label, (text) => context.measureText(text).width);
    const sub = spot.radius >= 10 ? spot.sub : "";
    context.font = `${size - 1.5}px ${font}`;
    const width = Math.max(context.measureText(sub).width, 0);
    context.font = name;
    const half = Math.max(width, ...label.map((text) => context.measureText(text).width)) / 2;
    const top = spot.y + spot.radius * (spot.kind === "data" ? 0.8 : 1.1) + (spot.picked ? 9 : 5);
    const height = label.length * (size + 3) + (sub ? size + 1 : 0);
    const rectangle = { left: spot.x - half, top: top - 1, right: spot.x + half, bottom: top + height + 1 };
    if (spot.picked) room.occupy(rectangle);
    else if (!room.take(rectangle)) continue;
    label.forEach((text, index) =>
      written(text, spot.x, top + (index + 0.5) * (size + 3), spot.dim ? mix(ink, background, 0.35) : ink),
    );
    if (!sub) continue;
    context.font = `${size - 1.5}px ${font}`;
    written(sub, spot.x, top + label.length * (size + 3) + size / 2, spot.dim ? mix(quiet, background, 0.35) : quiet);
  }

  context.font = `500 10.5px ${font}`;
  for (const span of [...spans].sort((one, other) => other.weight - one.weight)) {
    const half = context.measureText(span.label).width / 2 + 3;
    const place = ALONG.map(span.at).find(({ x, y }) =>
      room.take({ left: x - half, top: y - 8, right: x + half, bottom: y + 8 }),
    );
    if (place) written(span.label, place.x, place.y, span.strong ? accent : quiet);
  }
}
