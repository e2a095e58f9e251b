/** Rectangles of a canvas that do not cover each other. */

export interface Rectangle {
  left: number;
  top: number;
  right: number;
  bottom: number;
}

/** A canvas of some pixels, and rectangles on it of which no two overlap. */
export class Room {
  // By the square of the canvas, so that only what is near is compared.
  private readonly taken = new Map<number, Rectangle[]>();

  constructor(
    private readonly width: number,
    private readonly height: number,
  ) {}

  /** Whether a rectangle lies on the canvas. */
  has({ left, top, right, bottom }: Rectangle): boolean {
    return left >= 0 && top >= 0 && right <= this.width && bottom <= this.height;
  }

  /** Whether nothing stands there. */
  isFree(rectangle: Rectangle): boolean {
    for (const square of squares(rectangle)) {
      for (const other of this.taken.get(square) ?? []) {
        const apart =
          rectangle.right <= other.left || other.right <= rectangle.left ||
          rectangle.bottom <= other.top || other.bottom <= rectangle.top; // prettier-ignore
        if (!apart) return false;
      }
    }
    return true;
  }

  /** Take the rectangle if it is free. */
  take(rectangle: Rectangle): boolean {
    const free = this.isFree(rectangle);
    if (free) this.occupy(rectangle);
    return free;
  }

  /** Take it, free or not. */
  occupy(rectangle: Rectangle): void {
    for (const square of squares(rectangle)) {
      const there = this.taken.get(square);
      if (there) there.push(rectangle);
      else this.taken.set(square, [rectangle]);
    }
  }
}

const SQUARE = 64; // pixels

function squares({ left, top, right, bottom }: Rectangle): number[] {
  const found: number[] = [];
  for (let column = Math.floor(left / SQUARE); column <= Math.floor(right / SQUARE); column += 1) {
    for (let row = Math.floor(top / SQUARE); row <= Math.floor(bottom / SQUARE); row += 1) {
      found.push(column * 65536 + row);
    }
  }
  return found;
}
