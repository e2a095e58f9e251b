/** The shape of each kind of node, one unit in radius, about as much surface each. */

import type { Kind } from "../api/types";

/** In the order that the node program's shader numbers them. */
export const SHAPES: readonly Kind[] = ["work", "person", "topic", "method", "model", "data", "run"];

const number = (value: number): string => String(Number(value.toFixed(4)));

function polygon(corners: number, radius: number, first: number): string {
  const at = (corner: number): string => {
    const angle = ((first + (corner * 360) / corners) * Math.PI) / 180;
    return `${number(radius * Math.cos(angle))} ${number(-radius * Math.sin(angle))}`;
  };
  return `M${Array.from({ length: corners }, (_, corner) => at(corner)).join("L")}Z`;
}

function box(width: number, height: number, round: number): string {
  const [w, h] = [2 * (width - round), 2 * (height - round)];
  const arc = (x: number, y: number): string => `a${round} ${round} 0 0 1 ${number(x)} ${number(y)}`;
  return (
    `M${number(round - width)} ${-height}h${number(w)}${arc(round, round)}v${number(h)}${arc(-round, round)}` +
    `h${number(-w)}${arc(-round, -round)}v${number(-h)}${arc(round, -round)}Z`
  );
}

/** The outlines as SVG path data, y downwards. */
export const OUTLINES: Readonly<Record<Kind, string>> = {
  work: box(0.92, 0.92, 0.3),
  person: "M1 0A1 1 0 1 1 -1 0A1 1 0 1 1 1 0Z",
  topic: polygon(6, 1.1, 0),
  method: polygon(4, 1.25, 0),
  model: box(0.86, 0.86, 0.05),
  data: box(1.26, 0.74, 0.3),
  run: polygon(5, 1.16, 90),
};

/** The same outlines as distances, for the shader: `p` with y upwards, less than 0 inside. */
export const DISTANCE = /* glsl */ `
float box(vec2 p, vec2 half_size, float round) {
  vec2 q = abs(p) - half_size + round;
  return length(max(q, 0.0)) + min(max(q.x, q.y), 0.0) - round;
}
float polygon(vec2 p, float corners, float radius, float normal) {
  float step = 6.2831853 / corners;
  float angle = atan(p.y, p.x) - normal;
  return cos(floor(0.5 + angle / step) * step - angle) * length(p) - radius * cos(3.1415927 / corners);
}
float outline(vec2 p, float shape) {
  if (shape < 0.5) return box(p, vec2(0.92), 0.3);
  if (shape < 1.5) return length(p) - 1.0;
  if (shape < 2.5) return polygon(p, 6.0, 1.1, 0.5235988);
  if (shape < 3.5) return polygon(p, 4.0, 1.25, 0.7853982);
  if (shape < 4.5) return box(p, vec2(0.86), 0.05);
  if (shape < 5.5) return box(p, vec2(1.26, 0.74), 0.3);
  return polygon(p, 5.0, 1.16, 2.1991149);
}`;
