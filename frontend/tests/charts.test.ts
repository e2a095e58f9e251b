import { describe, expect, it } from "vitest";
import { confusionsOf, ringOrder, ringPlace } from "../src/panels/confusions";
import { barsOf, rangeOf } from "../src/panels/histogram";
import { downloadOf } from "../src/panels/export";
import { pathText } from "../src/panels/path";
import { apart, linear, nearest, path, span, ticks } from "../src/panels/scale";
import { duration, number, percent, points, round, whole } from "../src/panels/words";

describe("words", () => {
  it("write numbers as people read them", () => {
    expect(percent(0.712)).toBe("71.20\u202f%");
    expect(points(0.0135)).toBe("+1.35");
    expect(points(-0.045)).toBe("\u22124.50");
    expect(points(-0.00001)).toBe("0.00");
    expect(whole(22915)).toBe("22,915");
    expect(number(0.01234)).toBe("0.0123");
    expect(number(0.000012)).toBe("1.2e\u22125");
    expect(round(0.5)).toBe("0.5");
    expect(duration(236)).toBe("3 min 56 s");
    expect(duration(3660)).toBe("1 h 1 min");
  });
});

describe("scales", () => {
  it("are round and within the span", () => {
    expect(ticks(0, 1, 5)).toEqual([0, 0.2, 0.4, 0.6, 0.8, 1]);
    expect(ticks(3, 3, 5)).toEqual([3]);
    expect(linear([0, 10], [100, 0])(5)).toBe(50);
    expect(linear([1, 1], [0, 8])(1)).toBe(4);
    expect(span([Number.NaN, 3, 1])).toEqual([1, 3]);
    expect(span([Number.NaN])).toBeNull();
  });

  it("break a line where nothing was measured", () => {
    const same = (value: number): number => value;
    expect(path([[0, 1], [1, Number.NaN], [2, 3]], same, same)).toBe("M0.0 1.0M2.0 3.0");
  });

  it("find the nearest, and move labels apart", () => {
    expect(nearest([0, 10, 20], 14)).toBe(1);
    expect(nearest([0, 10, 20], 16)).toBe(2);
    const moved = apart([10, 11, 12], 5, 100);
    expect(moved[1]! - moved[0]!).toBeGreaterThanOrEqual(5);
    expect(moved[2]! - moved[1]!).toBeGreaterThanOrEqual(5);
    expect(Math.max(...apart([98, 99], 5, 100))).toBeLessThanOrEqual(100);
  });
});

describe("confusions", () => {
  const teacher = [{ source: 0, target: 1, probability: 0.3 }, { source: 2, target: 3, probability: 0.1 }];
  const student = [{ source: 0, target: 1, probability: 0.2 }, { source: 1, target: 2, probability: 0.4 }];

  it("are learned, missed or the student's own, the strongest first", () => {
    expect(confusionsOf({ teacher, student }).map(({ verdict }) => verdict)).toEqual(["own", "learned", "missed"]);
  });

  it("stand beside each other on the ring", () => {
    const order = ringOrder(confusionsOf({ teacher, student }));
    expect(order).toHaveLength(4);
    expect(Math.abs(order.indexOf(1) - order.indexOf(2))).toBe(1);
    expect(Math.abs(order.indexOf(0) - order.indexOf(1))).toBe(1);
    expect(ringPlace(0, 4, 10).y).toBeLessThan(0);
  });
});

describe("years", () => {
  it("are all there, also the empty ones; a full range is none", () => {
    const bars = barsOf({ "2020": 2, "2022": 1 })!;
    expect(bars.counts).toEqual([2, 0, 1]);
    expect(rangeOf(bars, 2020, 2021)).toEqual([null, 2021]);
    expect(barsOf({})).toBeNull();
  });
});

describe("what is taken along", () => {
  it("asks for one format, whatever the view says", () => {
    expect(downloadOf("svg", "at=a%26b&format=json")).toBe("/api/export?at=a%26b&format=svg");
  });

  it("writes a path as sentences in the direction of its links", () => {
    const brief = (key: string) => ({ key, kind: "person" as const, label: key.toUpperCase(), sub: "", year: null });
    const link = { source: "w", target: "a", kind: "x", label: "Knows", reason: "since 1815" };
    expect(pathText({ nodes: [brief("a"), brief("w")], links: [link] })).toBe("W \u2013 Knows \u2192 A (since 1815)");
  });
});
