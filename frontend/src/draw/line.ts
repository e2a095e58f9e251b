/** Links as lines on the screen, straight or bent, and how far a point is from one. */

export interface Point {
  x: number;
  y: number;
}

/** Where a link is: 0 at its source, 1 at its target. */
export type Along = (share: number) => Point;

/** A line from one point to another; `bend` is how far its middle is off, as a share of its length. */
export function along(from: Point, to: Point, bend: number): Along {
  return (share) => {
    const off = 4 * share * (1 - share) * bend;
    return {
      x: from.x + share * (to.x - from.x) + off * (to.y - from.y),
      y: from.y + share * (to.y - from.y) - off * (to.x - from.x),
    };
  };
}

/** How far a point is from a line, which is taken as so many straight pieces. */
export function distance(point: Point, line: Along, pieces: number): number {
  let least = Infinity;
  let from = line(0);
  for (let piece = 1; piece <= pieces; piece += 1) {
    const to = line(piece / pieces);
    const [dx, dy] = [to.x - from.x, to.y - from.y];
    const share = ((point.x - from.x) * dx + (point.y - from.y) * dy) / (dx * dx + dy * dy || 1);
    const held = Math.min(1, Math.max(0, share));
    least = Math.min(least, Math.hypot(point.x - from.x - held * dx, point.y - from.y - held * dy));
    from = to;
  }
  return least;
}
