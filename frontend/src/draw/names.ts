/** Names beneath nodes or beside them, letters in them and words on links: as many as fit without covering each other. */

import type { Kind } from "../api/types";
import type { Along } from "./line";
import { mix, type Palette } from "./palette";
import { Room, type Rectangle } from "./room";
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
  /** Large enough for most names to keep clear of it. */
  solid: boolean;
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

const WIDEST = 190;
const FIRST = 20; // names that small nodes may be covered by
const ALONG = [0.5, 0.42, 0.58, 0.34, 0.66, 0.27, 0.73]; // where words may stand on a link, the middle first
const OUTLINE_PATHS = new Map<Kind, Path2D>();

function outline(kind: Kind): Path2D {
  let path = OUTLINE_PATHS.get(kind);
  if (!path) OUTLINE_PATHS.set(kind, (path = new Path2D(OUTLINES[kind])));
  return path;
}

/** A text in at most two lines of `WIDEST` pixels, much alike in width, or else the second cut with an ellipsis. */
export function lines(text: string, width: (text: string) => number, widest = WIDEST): string[] {
  if (width(text) <= widest) return [text];
  const words = text.split(" ");
  const parted = (at: number): [string, string] => [words.slice(0, at).join(" "), words.slice(at).join(" ")];
  let last = 0; // of the words that fit into the first line
  while (last < words.length && width(parted(last + 1)[0]) <= widest) last += 1;
  if (last === 0) return [cut(text, width, widest)];
  let best = parted(last);
  if (width(best[1]) > widest) return [best[0], cut(best[1], width, widest)];
  for (let at = last - 1; at > 0; at -= 1) {
    const other = parted(at);
    if (width(other[1]) > width(best[0])) break;
    best = other;
  }
  return best;
}

function cut(text: string, width: (text: string) => number, widest: number): string {
  if (width(text) <= widest) return text;
  let end = text.length;
  while (end > 1 && width(`${text.slice(0, end)}…`) > widest) end -= 1;
  return `${text.slice(0, end).trimEnd()}…`;
}

interface Block {
  width: number;
  height: number;
  /** What stands beneath the name. */
  sub: string;
}

interface Place {
  x: number;
  top: number;
  align: "center" | "left" | "right";
}

/** Where a text of some size may stand at a node: beneath it, and of one that is solid around it. */
function around(spot: Spot, { height }: Block): Place[] {
  const { x, y, radius } = spot;
  const reach = radius * (spot.kind === "data" ? 0.8 : 1.1) + (spot.picked ? 9 : 5);
  const beneath: Place = { x, top: y + reach, align: "center" };
  if (!spot.solid) return [beneath];
  return [
    beneath,
    { x: x + reach + 1, top: y - height / 2, align: "left" },
    { x: x - reach - 1, top: y - height / 2, align: "right" },
    { x, top: y - reach - height, align: "center" },
  ];
}

/** The first block and place that will do. */
function firstFit(
  spot: Spot,
  blocks: readonly Block[],
  fits: (box: Rectangle) => boolean,
): { block: Block; place: Place } | undefined {
  for (const block of blocks) {
    const place = around(spot, block).find((each) => fits(rectangleOf(each, block)));
    if (place) return { block, place };
  }
  return undefined;
}

function rectangleOf({ x, top, align }: Place, { width, height }: Block): Rectangle {
  const left = align === "center" ? x - width / 2 : align === "left" ? x : x - width;
  return { left, top: top - 1, right: left + width, bottom: top + height + 1 };
}

/** Draw everything that is text, the strongest first. */
export function drawNames(
  context: CanvasRenderingContext2D,
  spots: readonly Spot[],
  spans: readonly Span[],
  palette: Palette,
  width: number,
  height: number,
): void {
  const [room, small] = [new Room(width, height), new Room(width, height)]; // of what no name covers, and most do not
  const { background, ink, quiet, accent, font } = palette;
  context.textAlign = "center";
  context.lineJoin = "round";
  context.textBaseline = "middle";
  for (const { x, y, radius, letter, solid } of spots) {
    if (solid) (letter ? room : small).occupy({ left: x - radius, top: y - radius, right: x + radius, bottom: y + radius });
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

  const ranked = [...spots].sort((one, other) => other.weight - one.weight);
  for (const [rank, spot] of ranked.entries()) {
    const size = spot.radius >= 14 ? 13 : spot.radius >= 6 ? 12 : 11;
    const [strong, light] = [`${spot.picked ? 650 : 550} ${size}px ${font}`, `${size - 1.5}px ${font}`];
    context.font = light;
    const sub = spot.radius >= 10 ? spot.sub : "";
    const subWidth = context.measureText(sub).width;
    context.font = strong;
    const label = lines(spot.label, (text) => context.measureText(text).width);
    const wide = Math.max(...label.map((text) => context.measureText(text).width));
    const high = label.length * (size + 3);
    const blocks = [{ width: wide, height: high, sub: "" }];
    if (sub) blocks.unshift({ width: Math.max(wide, subWidth), height: high + size + 1, sub });
    let stand = firstFit(spot, blocks, (box) => room.has(box) && small.isFree(box) && room.isFree(box));
    if (!stand && (spot.picked || rank < FIRST)) {
      stand = firstFit({ ...spot, solid: false }, blocks, (box) => spot.picked || room.isFree(box));
    }
    if (!stand) continue;
    const { block, place } = stand;
    room.occupy(rectangleOf(place, block));
    const faded = (colour: string): string => (spot.dim ? mix(colour, background, 0.35) : colour);
    context.textAlign = place.align;
    label.forEach((text, index) => written(text, place.x, place.top + (index + 0.5) * (size + 3), faded(ink)));
    if (!block.sub) continue;
    context.font = light;
    written(block.sub, place.x, place.top + high + size / 2, faded(quiet));
  }

  context.textAlign = "center";
  context.font = `500 10.5px ${font}`;
  for (const span of [...spans].sort((one, other) => other.weight - one.weight)) {
    const half = context.measureText(span.label).width / 2 + 3;
    const place = ALONG.map(span.at).find(({ x, y }) =>
      room.take({ left: x - half, top: y - 8, right: x + half, bottom: y + 8 }),
    );
    if (place) written(span.label, place.x, place.y, span.strong ? accent : quiet);
  }
}
