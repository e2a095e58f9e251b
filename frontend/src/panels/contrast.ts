/** Runs side by side: what to call them, and their measures with the differences. */

import type { Run } from "../api/types";
import type { Reading } from "./scale";
import { curvesOf, factNumber, factText, measureName, measureOf } from "./story";
import { duration, number, percent, points, whole } from "./words";

/** Names as short as tell the runs apart: the method, then its seed, then the end of its id. */
export function namesOf(runs: readonly Run[]): string[] {
  const method = ({ run, config }: Run): string => factText(run, "method") || String(config.method?.name ?? "run");
  const seed = ({ run }: Run): string => `seed ${factNumber(run, "seed") ?? "?"}`;
  const ways: ((run: Run) => string)[] = [
    method,
    (run) => `${method(run)}, ${seed(run)}`,
    (run) => `${method(run)} ${factText(run.run, "id").slice(-8)}`,
  ];
  const apart = ways.find((way) => new Set(runs.map(way)).size === runs.length);
  return runs.map(apart ?? ((run) => factText(run.run, "id")));
}

/** A curve that at least two of the runs have. */
export interface Overlay {
  name: string;
  title: string;
  /** One for each run; empty where it has none. */
  readings: Reading[][];
}

/** The curves that runs have in common, in the order of the first that has them. */
export function overlaysOf(runs: readonly Run[]): Overlay[] {
  const curves = runs.map((run) => new Map(curvesOf(run).map((curve) => [curve.name, curve])));
  const names = [...new Set(curves.flatMap((each) => [...each.keys()]))];
  return names
    .map((name) => ({
      name,
      title: curves.find((each) => each.has(name))?.get(name)?.title ?? name,
      readings: curves.map((each) => each.get(name)?.readings ?? []),
    }))
    .filter(({ readings }) => readings.filter((each) => each.length > 0).length >= 2);
}

/** A measure of each run, as written, and how it differs from the first run's. */
export interface Measure {
  name: string;
  values: { text: string; change: string }[];
}

/** The measures that any of the runs has. */
export function measuresOf(runs: readonly Run[]): Measure[] {
  const accuracy = runs[0] ? measureName(runs[0]) : "Accuracy";
  const validated = (run: Run) =>
    run.result?.last_validation ??
    run.evaluations.findLast(({ network, split }) => network === "student" && split === "validation");
  const share = (value: number): string => percent(value);
  const lines: [string, (run: Run) => number | null | undefined, (value: number) => string, "points" | "plain"][] = [
    [`${accuracy}, test, last epoch`, ({ result }) => result?.last_test && measureOf(result.last_test), share, "points"],
    [`${accuracy}, test, best epoch`, ({ result }) => result?.best_test && measureOf(result.best_test), share, "points"],
    [`${accuracy}, validation, last epoch`, (run) => { const one = validated(run); return one && measureOf(one); }, share, "points"],
    ["Top five, test, last epoch", ({ result }) => result?.last_test?.top5, share, "points"],
    ["Cross-entropy, test, last epoch", ({ result }) => result?.last_test?.loss, number, "plain"],
    ["Calibration error, test, last epoch", ({ result }) => result?.last_test?.calibration_error, share, "points"],
    ["Student's parameters", ({ result }) => result?.student_parameters, whole, "plain"],
    ["Time", ({ result }) => result?.seconds, duration, "plain"],
  ]; // prettier-ignore
  return lines
    .map(([name, read, write, unit]): Measure => {
      const found = runs.map((run) => read(run) ?? null);
      const first = found[0] ?? null;
      return {
        name,
        values: found.map((value, index) => ({
          text: value === null ? "\u2013" : write(value),
          change:
            index > 0 && unit === "points" && value !== null && first !== null
              ? points(value - first)
              : "",
        })),
      };
    })
    .filter(({ values }) => values.some(({ text }) => text !== "\u2013"));
}
