/** Text is readable on every surface in both themes: 4.5 to 1, as WCAG 2 counts. */

import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { rgb } from "../src/draw/palette";
import { measuresOf, namesOf, overlaysOf } from "../src/panels/contrast";
import type { Run } from "../src/api/types";

const sheet = readFileSync("src/style/tokens.css", "utf8");
const [light, dark] = sheet.split(':root[data-theme="dark"]').map(
  (part) => new Map([...part.matchAll(/--([a-z-]+): (#[0-9a-f]{6})/g)].map(([, name, value]) => [name!, value!])),
);

function luminance(colour: string): number {
  const [red, green, blue] = rgb(colour).map((part) => {
    const share = part / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  }) as [number, number, number];
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

function contrast(one: string, other: string): number {
  const [low, high] = [luminance(one), luminance(other)].sort((a, b) => a - b) as [number, number];
  return (high + 0.05) / (low + 0.05);
}

describe.each([["light", light!], ["dark", dark!]])("the %s theme", (_, colours) => {
  it.each([
    ["ink", "background"], ["ink", "sunken"], ["ink", "accent-soft"], ["quiet", "background"], ["quiet", "surface"],
    ["quiet", "sunken"], ["quiet", "accent-soft"], ["accent", "surface"], ["surface", "accent"], ["warning", "warning-soft"],
  ])("has %s readable on %s", (text, ground) => {
    expect(contrast(colours.get(text)!, colours.get(ground)!)).toBeGreaterThanOrEqual(4.5);
  });

  it("has shapes that stand out", () => {
    for (const kind of ["work", "person", "topic", "method", "model", "data", "run"]) {
      expect(contrast(colours.get(kind)!, colours.get("background")!)).toBeGreaterThanOrEqual(3);
    }
  });
});

describe("runs side by side", () => {
  const run = (id: string, method: string, seed: number, top1: number): Run => {
    const evaluation = { epoch: 1, step: 10, split: "validation", network: "student", top1, top5: 1, loss: 1, calibration_error: 0, count: 5 } as const;
    return { run: { id, method, seed }, config: {}, rows: [], evaluations: [evaluation], result: null, command: "" };
  };

  it("are named by as little as tells them apart", () => {
    expect(namesOf([run("a", "kd", 0, 0.5), run("b", "dkd", 0, 0.5)])).toEqual(["kd", "dkd"]);
    expect(namesOf([run("a", "kd", 0, 0.5), run("b", "kd", 1, 0.5)])).toEqual(["kd, seed 0", "kd, seed 1"]);
  });

  it("differ from the first in points", () => {
    const [accuracy] = measuresOf([run("a", "kd", 0, 0.5), run("b", "dkd", 0, 0.525)]);
    expect(accuracy!.values.map(({ change }) => change)).toEqual(["", "+2.50"]);
  });

  it("share the curves that both have", () => {
    expect(overlaysOf([run("a", "kd", 0, 0.5)])).toEqual([]);
    expect(overlaysOf([run("a", "kd", 0, 0.5), run("b", "kd", 1, 0.5)]).map(({ name }) => name)).toContain("accuracy");
  });
});
