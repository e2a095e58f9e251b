/** What two networks confuse: whose confusions are whose, and where classes stand in a picture. */

import type { Classes } from "../api/types";

/** Shared by teacher and student, the teacher's alone, or the student's alone. */
export type Verdict = "learned" | "missed" | "own";

/** The probability that goes to class `target` where the label is `source`; by position. */
export interface Confusion {
  source: number;
  target: number;
  teacher: number | null;
  student: number | null;
  verdict: Verdict;
}

/** The strongest confusions of both networks, joined, the strongest first. */
export function confusionsOf({ teacher, student }: Pick<Classes, "teacher" | "student">): Confusion[] {
  const found = new Map<string, Confusion>();
  for (const [network, links] of [["teacher", teacher], ["student", student]] as const) {
    for (const { source, target, probability } of links) {
      const name = `${source} ${target}`;
      const usual = { source, target, teacher: null, student: null, verdict: "own" } as const;
      found.set(name, { ...(found.get(name) ?? usual), [network]: probability });
    }
  }
  return [...found.values()]
    .map((one): Confusion => ({ ...one, verdict: verdictOf(one) }))
    .sort((a, b) => strength(b) - strength(a));
}

function verdictOf({ teacher, student }: Confusion): Verdict {
  if (teacher === null) return "own";
  return student === null ? "missed" : "learned";
}

/** The greater of the two probabilities. */
export function strength({ teacher, student }: Confusion): number {
  return Math.max(teacher ?? 0, student ?? 0);
}

/**
 * Classes in an order in which those that are confused most stand side by side: chains are joined
 * at their ends, the strongest confusion first. Classes without a confusion are left out.
 *
 * @param confusions the strongest first
 */
export function ringOrder(confusions: readonly Confusion[]): number[] {
  const chains = new Map<number, number[]>();
  for (const { source, target } of confusions) {
    for (const one of [source, target]) if (!chains.has(one)) chains.set(one, [one]);
    const [left, right] = [chains.get(source)!, chains.get(target)!];
    if (left === right) continue;
    const ends = (chain: number[], one: number): boolean => chain[0] === one || chain.at(-1) === one;
    if (!ends(left, source) || !ends(right, target)) continue;
    if (left.at(-1) !== source) left.reverse();
    if (right[0] !== target) right.reverse();
    const joined = [...left, ...right];
    for (const one of joined) chains.set(one, joined);
  }
  return [...new Set(chains.values())].flat();
}

/** Where a class stands on a ring of `count`, the first at the top; the angle is from there, clockwise. */
export function ringPlace(index: number, count: number, radius: number): { x: number; y: number; angle: number } {
  const angle = (2 * Math.PI * (index + 0.5)) / count;
  return { x: radius * Math.sin(angle), y: -radius * Math.cos(angle), angle };
}

/** A curve between two places of a ring, bent inward; the way back bends a little less. */
export function ringCurve(from: number, to: number, count: number, radius: number): string {
  const [a, b] = [ringPlace(from, count, radius), ringPlace(to, count, radius)];
  const [x, y] = [(a.x + b.x) / 2, (a.y + b.y) / 2];
  const far = Math.hypot(a.x - b.x, a.y - b.y) / (2 * radius); // 0 beside each other, 1 opposite
  const least = Math.min(24, radius / 5) / radius;
  const depth = (1 - far) * (1 - least - (from < to ? 0.04 : 0)) - far * 0.04 * (from < to ? 1 : -1);
  const middle = Math.hypot(x, y) || 1;
  const pull = (radius * depth) / middle;
  return `M${tenth(a.x)} ${tenth(a.y)}Q${tenth(x * pull)} ${tenth(y * pull)} ${tenth(b.x)} ${tenth(b.y)}`;
}

function tenth(value: number): string {
  return (Math.round(10 * value) / 10).toString();
}
