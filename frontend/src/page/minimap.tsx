/** Everything in small, with the part that is in sight; drag to go elsewhere. */

import { useEffect, useRef } from "preact/hooks";
import type { Drawing } from "../draw/drawing";
import type { Frame } from "../draw/stage";
import { communityColour, readPalette } from "../draw/palette";
import { span } from "../panels/scale";
import { dark } from "../state/theme";
import { where } from "../state/where";
import { stage } from "./here";

const WIDTH = 152;
const HEIGHT = 104;
const ROOM = 8;
const MOST = 20_000;

/** How a drawing fits into the minimap: where the middle is, and pixels to a unit. */
export function fitOf(nodes: Drawing["nodes"]): { x: number; y: number; scale: number } {
  const [left, right] = span(nodes.map(({ x }) => x)) ?? [0, 0];
  const [bottom, top] = span(nodes.map(({ y }) => y)) ?? [0, 0];
  const scale = Math.min((WIDTH - 2 * ROOM) / Math.max(1, right - left), (HEIGHT - 2 * ROOM) / Math.max(1, top - bottom));
  return { x: (left + right) / 2, y: (top + bottom) / 2, scale };
}

export function Minimap({ drawing }: { drawing: Drawing }) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const { nodes } = drawing;
  const fit = fitOf(nodes);
  const { colour } = where.value;
  const theme = dark.value;
  useEffect(() => {
    const context = canvas.current?.getContext("2d");
    if (!context) return;
    const palette = readPalette();
    const ratio = Math.min(2, devicePixelRatio);
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.clearRect(0, 0, WIDTH, HEIGHT);
    const size = nodes.length > 2000 ? 1 : nodes.length > 200 ? 2 : 4;
    const step = Math.ceil(nodes.length / MOST) || 1;
    for (let index = 0; index < nodes.length; index += step) {
      const { x, y, kind, community } = nodes[index]!;
      context.fillStyle = colour === "community" ? communityColour(community, palette) : palette.kinds[kind];
      context.fillRect(WIDTH / 2 + (x - fit.x) * fit.scale - size / 2, HEIGHT / 2 - (y - fit.y) * fit.scale - size / 2, size, size);
    }
  }, [nodes, colour, theme]);
  const lead = (event: PointerEvent & { currentTarget: Element }): void => {
    if (!(event.buttons & 1)) return;
    const { left, top } = event.currentTarget.getBoundingClientRect();
    const [x, y] = [event.clientX - left - WIDTH / 2, event.clientY - top - HEIGHT / 2];
    stage.peek()?.center(fit.x + x / fit.scale, fit.y - y / fit.scale);
  };
  return (
    <div
      class="minimap"
      aria-hidden="true"
      onPointerDown={(event) => {
        event.currentTarget.setPointerCapture(event.pointerId);
        lead(event);
      }}
      onPointerMove={lead}
    >
      <canvas ref={canvas} width={WIDTH * Math.min(2, devicePixelRatio)} height={HEIGHT * Math.min(2, devicePixelRatio)} />
      <Sight fit={fit} />
    </div>
  );
}

/** The box of what is in sight. */
function Sight({ fit }: { fit: ReturnType<typeof fitOf> }) {
  const frame: Frame | null = stage.value?.frame.value ?? null;
  if (!frame) return null;
  const bound = (value: number, most: number): number => Math.min(most - 1, Math.max(1, value));
  const left = bound(WIDTH / 2 + (frame.left - fit.x) * fit.scale, WIDTH);
  const right = bound(WIDTH / 2 + (frame.right - fit.x) * fit.scale, WIDTH);
  const top = bound(HEIGHT / 2 - (frame.top - fit.y) * fit.scale, HEIGHT);
  const bottom = bound(HEIGHT / 2 - (frame.bottom - fit.y) * fit.scale, HEIGHT);
  return (
    <svg viewBox={`0 0 ${WIDTH} ${HEIGHT}`}>
      <rect x={left} y={top} width={Math.max(2, right - left)} height={Math.max(2, bottom - top)} />
    </svg>
  );
}
