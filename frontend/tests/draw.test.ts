import { describe, expect, it } from "vitest";
import { drawMap, drawView } from "../src/draw/drawing";
import { Room, lines } from "../src/draw/names";
import { communityColour, mix, rgb } from "../src/draw/palette";
import { OUTLINES, SHAPES } from "../src/draw/shapes";
import { along, distance } from "../src/draw/line";
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
    const [, second] = lines("Decoupled Knowledge Distillation of a very long name", width);
    expect(second).toMatch(/…$/);
    expect(width(second!)).toBeLessThanOrEqual(190);
    expect(lines("Unbreakable".repeat(4), width)).toHaveLength(1);
  });

  it("take only room that is free", () => {
    const room = new Room();
    const box = { left: 0, top: 0, right: 10, bottom: 10 };
    expect(room.take(box)).toBe(true);
    expect(room.take({ ...box, left: 9, right: 19 })).toBe(false);
    expect(room.take({ ...box, left: 10, right: 19 })).toBe(true);
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
