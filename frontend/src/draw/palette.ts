/** The style sheet's colours as the canvas needs them. */

import type { Kind } from "../api/types";
import { SHAPES } from "./shapes";

export interface Palette {
  background: string;
  surface: string;
  ink: string;
  quiet: string;
  accent: string;
  kinds: Readonly<Record<Kind, string>>;
  font: string;
}

export function readPalette(): Palette {
  const style = getComputedStyle(document.documentElement);
  const colour = (name: string): string => style.getPropertyValue(`--${name}`).trim() || "#888888";
  return {
    background: colour("background"),
    surface: colour("surface"),
    ink: colour("ink"),
    quiet: colour("quiet"),
    accent: colour("accent"),
    kinds: Object.fromEntries(SHAPES.map((kind) => [kind, colour(kind)])) as Record<Kind, string>,
    font: getComputedStyle(document.body).fontFamily || "sans-serif",
  };
}

/** Red, green and blue from 0 to 255. */
export function rgb(colour: string): [number, number, number] {
  const short = colour.length === 4;
  const part = (index: number): number => {
    const text = short ? colour.charAt(index + 1).repeat(2) : colour.slice(1 + 2 * index, 3 + 2 * index);
    return Number.parseInt(text, 16) || 0;
  };
  return [part(0), part(1), part(2)];
}

/** `share` (0 to 1) of one colour in another. */
export function mix(colour: string, into: string, share: number): string {
  const [one, other] = [rgb(colour), rgb(into)];
  const mixed = one.map((value, index) => Math.round(share * value + (1 - share) * other[index]!));
  return `#${mixed.map((value) => value.toString(16).padStart(2, "0")).join("")}`;
}

/** Colours of communities, the largest first; those after the last share one. */
const COMMUNITIES = ["#2f6fed", "#d1495b", "#0f9d76", "#b7791f", "#8b4fd9", "#0e8fa8", "#c2528b", "#6f7d1f"];

export function communityColour(community: number, { quiet }: Palette): string {
  return COMMUNITIES[community] ?? quiet;
}
