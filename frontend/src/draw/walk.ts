/** From a node to the one that lies in a direction. */

export interface Spot {
  key: string;
  x: number;
  y: number;
}

export type Direction = "left" | "right" | "up" | "down";

const WAYS: Readonly<Record<Direction, readonly [number, number]>> = {
  left: [-1, 0],
  right: [1, 0],
  up: [0, 1],
  down: [0, -1],
};

/**
 * The spot that lies most in a direction: the nearest one, with distance sideways counting double.
 *
 * @returns null where nothing lies there, within 60 degrees to either side
 */
export function towards(from: Spot, direction: Direction, spots: Iterable<Spot>): Spot | null {
  const [dx, dy] = WAYS[direction];
  let best: Spot | null = null;
  let least = Number.POSITIVE_INFINITY;
  for (const spot of spots) {
    if (spot.key === from.key) continue;
    const [x, y] = [spot.x - from.x, spot.y - from.y];
    const along = x * dx + y * dy;
    const sideways = Math.abs(x * dy - y * dx);
    if (along <= 0 || sideways > 1.732 * along) continue;
    const cost = along + 2 * sideways;
    if (cost < least) [best, least] = [spot, cost];
  }
  return best;
}
