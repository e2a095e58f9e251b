import { describe, expect, it } from "vitest";
import { drawMap, drawView } from "../src/draw/drawing";
import { drawNames, lines, type Spot } from "../src/draw/names";
import { communityColour, mix, rgb } from "../src/draw/palette";
import { OUTLINES, SHAPES } from "../src/draw/shapes";
import { along, distance } from "../src/draw/line";
import { Room } from "../src/draw/room";
import { crowdOf } from "../src/draw/stage";
import { towards } from "../src/draw/walk";
import { fitOf } from "../src/page/minimap";
import { placesOf } from "../src/page/preview";
import { KINDS, VIEW } from "./graph";

describe("a drawing", () => {
  it("tells arrows and projections from the kinds of links", () => {
    const { links } = drawView(VIEW, KINDS);
    expect(links.map(({ directed, projection }) => [directed, projection])).toEqual([[true, false], [true, false], [false, true]]);
  });

  it("draws the stronger node larger, and fewer nodes larger than many", () => {
    const [work, person] = drawView(VIEW, KINDS).nodes;
    expect(work!.radius).toBeGreaterThan(person!.radius);
    const many = { ...VIEW, nodes: Array.from({ length: 600 }, (_, index) => ({ ...VIEW.nodes[0]!, key: String(index) })) };
    expect(drawView(many, KINDS).nodes[0]!.radius).toBeLessThan(work!.radius / 2);
  });

  it("reads the columns of the map", () => {
    const map = {
      keys: ["w", "a"], labels: ["A paper", "Ada"], kinds: [0, 1], x: [0, 1], y: [2, 3], community: [0, 1], size: [4, 1],
      source: [1], target: [0], link_kinds: [0], truncated: false,
    }; // prettier-ignore
    const { nodes, hairs, scene } = drawMap(map, KINDS);
    expect(nodes.map(({ key, kind, x, y }) => [key, kind, x, y])).toEqual([["w", "work", 0, 2], ["a", "person", 1, 3]]);
    expect(nodes[0]!.radius).toBeGreaterThan(nodes[1]!.radius);
    expect([hairs.source, hairs.target].map(([at]) => nodes[at!]!.key)).toEqual(["a", "w"]);
    expect(scene).toBe("map");
  });

  it("fits into the preview and the minimap with the middle in the middle", () => {
    const places = placesOf(VIEW.nodes);
    for (const { x, y } of places.values()) {
      expect(x).toBeGreaterThan(0);
      expect(x).toBeLessThan(280);
      expect(y).toBeGreaterThan(0);
      expect(y).toBeLessThan(130);
    }
    expect(places.get("a")!.y).toBeLessThan(places.get("w")!.y); // up is up
    expect(fitOf(drawView(VIEW, KINDS).nodes)).toMatchObject({ x: 0, y: 0.1 });
  });
});

describe("names", () => {
  const width = (text: string): number => 10 * text.length;

  it("stand in at most two lines, the second cut", () => {
    expect(lines("short", width)).toEqual(["short"]);
    expect(lines("Decoupled Knowledge Distillation", width)).toEqual(["Decoupled Knowledge", "Distillation"]);
    expect(lines("glyph_student (DKD, seed 0)", width)).toEqual(["glyph_student", "(DKD, seed 0)"]);
    const [, second] = lines("Decoupled Knowledge Distillation of a very long name", width);
    expect(second).toMatch(/…$/);
    expect(width(second!)).toBeLessThanOrEqual(190);
    expect(lines("Unbreakable".repeat(4), width)).toHaveLength(1);
  });

  it("take only room that is free", () => {
    const room = new Room(400, 300);
    const box = { left: 0, top: 0, right: 10, bottom: 10 };
    expect(room.take(box)).toBe(true);
    expect(room.take({ ...box, left: 9, right: 19 })).toBe(false);
    expect(room.take({ ...box, left: 10, right: 19 })).toBe(true);
  });
});

describe("names on the canvas", () => {
  const palette = { background: "#ffffff", surface: "#ffffff", ink: "#000000", quiet: "#777777", accent: "#0000ff", font: "x" };
  const spot = (label: string, x: number, y: number, more: Partial<Spot> = {}): Spot => ({
    label, x, y, radius: 15, kind: "work", sub: "", letter: "W", solid: true, weight: 1, dim: false, picked: false, colour: "#000000", ...more,
  }); // prettier-ignore

  /** What was written where, by a context of which every letter is 8 pixels wide. */
  function written(spots: readonly Spot[], size = 400): Map<string, { x: number; y: number; align: string }> {
    const found = new Map<string, { x: number; y: number; align: string }>();
    const context = new Proxy({ textAlign: "" } as Record<string, unknown>, {
      get: (target, name: string) => {
        if (name === "measureText") return (text: string) => ({ width: 8 * text.length });
        if (name === "fillText") {
          return (text: string, x: number, y: number) => found.set(text, { x, y, align: String(target.textAlign) });
        }
        return name in target ? target[name] : () => {};
      },
    });
    const kinds = {} as Parameters<typeof drawNames>[3]["kinds"];
    drawNames(context as unknown as CanvasRenderingContext2D, spots, [], { ...palette, kinds }, size, size);
    return found;
  }

  it("stand beneath a node, and beside it where another is in the way", () => {
    const free = written([spot("Alone", 200, 200)]).get("Alone")!;
    expect([free.x, free.align, free.y > 215]).toEqual([200, "center", true]);
    const names = written([spot("Upper", 200, 200), spot("Lower", 200, 235)]);
    expect(names.get("Upper")).toMatchObject({ align: "left" });
    expect(names.get("Lower")).toMatchObject({ x: 200, align: "center" });
  });

  it("stay on the canvas where they can", () => {
    expect(written([spot("At the side", 380, 200)]).get("At the side")).toMatchObject({ align: "right" });
    expect(written([spot("At the bottom", 200, 380)]).get("At the bottom")).toMatchObject({ align: "left" });
    expect(written([spot("At the side", 20, 20)], 40).get("At the side")).toMatchObject({ x: 20, align: "center" });
  });

  it("give up the second line before the first", () => {
    const floor = [160, 200, 240].map((x) => spot("", x, 260, { weight: 0 }));
    const walls = [100, 300].flatMap((x) => [170, 200, 230].map((y) => spot("", x, y, { radius: 60, weight: 0 })));
    const names = written([spot("Name", 200, 210, { sub: "and more", radius: 12 }), spot("", 200, 170), ...floor, ...walls]);
    expect([names.has("Name"), names.has("and more")]).toEqual([true, false]);
  });

  it("are always written of what is picked", () => {
    const crowd = Array.from({ length: 81 }, (_, n) => spot(`crowd ${n}`, (n % 9) * 30 + 80, Math.floor(n / 9) * 30 + 80));
    const middle = crowd[40]!;
    const names = written([...crowd.filter((each) => each !== middle), { ...middle, label: "picked" }]);
    expect(names.has("picked")).toBe(false);
    (globalThis as { Path2D?: unknown }).Path2D ??= class {};
    expect(written([...crowd, { ...middle, label: "picked", picked: true }]).has("picked")).toBe(true);
  });
});

describe("walking", () => {
  const spots = [
    { key: "middle", x: 0, y: 0 },
    { key: "near", x: 1, y: 0.2 },
    { key: "far", x: 3, y: 0 },
    { key: "up", x: 0.1, y: 2 },
  ];

  it("goes to the nearest that lies in the direction", () => {
    expect(towards(spots[0]!, "right", spots)?.key).toBe("near");
    expect(towards(spots[0]!, "up", spots)?.key).toBe("up");
    expect(towards(spots[1]!, "left", spots)?.key).toBe("middle");
  });

  it("stays where nothing lies", () => {
    expect(towards(spots[0]!, "down", spots)).toBeNull();
  });
});

describe("links on the screen", () => {
  it("are as far from a point as their nearest place, also where they bend", () => {
    const straight = along({ x: 0, y: 0 }, { x: 100, y: 0 }, 0);
    expect(distance({ x: 50, y: 6 }, straight, 1)).toBe(6);
    expect(distance({ x: 103, y: 4 }, straight, 1)).toBe(5);
    const bent = along({ x: 0, y: 0 }, { x: 100, y: 0 }, 0.1);
    expect(bent(0.5)).toEqual({ x: 50, y: -10 });
    expect(distance({ x: 50, y: -10 }, bent, 8)).toBeLessThan(0.5);
    expect(distance({ x: 0, y: 0 }, along({ x: 0, y: 0 }, { x: 0, y: 0 }, 0), 1)).toBe(0);
  });
});

describe("crowds", () => {
  const row = (gap: number) => Array.from({ length: 9 }, (_, index) => ({ x: index * gap, y: 0, radius: 20 }));

  it("make nodes smaller, but not too small to see", () => {
    expect(crowdOf(row(1), 1 / 100)).toBe(1);
    expect(crowdOf(row(1), 1 / 30)).toBeCloseTo(0.6375);
    expect(crowdOf(row(0), 1)).toBe(0.5);
    expect(crowdOf([], 1)).toBe(1);
  });
});

describe("looks", () => {
  it("mix colours", () => {
    expect(rgb("#fff")).toEqual([255, 255, 255]);
    expect(mix("#000000", "#ffffff", 0.5)).toBe("#808080");
  });

  it("have a shape for every kind, and one colour for all small communities", () => {
    for (const kind of SHAPES) expect(OUTLINES[kind]).toMatch(/^M.*Z$/);
    const palette = { quiet: "#555555" } as Parameters<typeof communityColour>[1];
    expect(communityColour(0, palette)).not.toBe(communityColour(1, palette));
    expect(communityColour(99, palette)).toBe("#555555");
  });
});
