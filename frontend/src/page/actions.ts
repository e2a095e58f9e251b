/** What a reader can do with the view, by pointer or key alike. */

import { computed } from "@preact/signals";
import type { SeenNode } from "../api/types";
import { towards, type Direction, type Spot } from "../draw/walk";
import { linkKinds, middle, seen, told, view } from "../state/data";
import { REFERENCE, USUAL, expanded, folded, type Where } from "../state/query";
import { begin, go, pick, where } from "../state/where";
import { said, stage } from "./here";

export const home = (): void => begin({ ...NO_FILTERS, within: REFERENCE, layout: "force" });

/** Put a node into the middle of a view of its own. */
export const center = (key: string): void => begin({ at: [key], pick: key });

/** How many neighbours of a node the view shows, and how many there are. */
export function shownOf({ key, more }: Pick<SeenNode, "key" | "more">): { shown: number; total: number } {
  const around = new Set<string>();
  for (const { source, target, kind } of view.value.data?.links ?? []) {
    if (source === key) around.add(`${kind} ${target}`);
    else if (target === key) around.add(`${kind} ${source}`);
  }
  const hidden = Object.values(more).reduce((sum, count) => sum + count, 0);
  return { shown: around.size, total: around.size + hidden };
}

export function expand(key = told.peek()): void {
  const node = seen.peek().get(key);
  if (!key) return;
  if (!node) return center(key);
  const { shown, total } = shownOf(node);
  if (shown < total || where.peek().fold.includes(key)) go(expanded(where.peek(), key));
  else said.value = `All neighbours of ${node.label} are shown.`;
}

export function fold(key = told.peek()): void {
  if (seen.peek().has(key)) go(folded(where.peek(), key));
}

/** Begin a path at a node; the node that is picked next is its other end. */
export function pathFrom(key = told.peek()): void {
  if (key) go({ path: [key], sheet: "" });
}

/** Pick the next node in a direction. */
export function walk(direction: Direction): void {
  const spots: readonly Spot[] = stage.peek()?.spotsOf() ?? view.peek().data?.nodes ?? [];
  const from = spots.find(({ key }) => key === (where.peek().pick || middle.peek())) ?? spots[0];
  const to = from && towards(from, direction, spots);
  if (!to) return;
  pick(to.key);
  stage.peek()?.reveal(to.key);
}

const NO_FILTERS = {
  hide: USUAL.hide,
  since: null,
  until: null,
  topic: "",
  method: "",
  accuracy: null,
} satisfies Partial<Where>;

export const clearFilters = (): void => go(NO_FILTERS);

/** Whether anything is filtered away. */
export const filtered = computed(() => {
  const { hide, since, until, topic, method, accuracy } = where.value;
  return hide.length > 0 || since !== null || until !== null || accuracy !== null || Boolean(topic || method);
});

/** What lists leave out to be in step with the canvas. */
export const hidden = computed((): readonly string[] => {
  const { hide, links } = where.value;
  if (links === "full") return hide;
  const projections = [...linkKinds.value.values()].filter((kind) => kind.projection);
  return [...new Set([...hide, ...projections.map(({ name }) => name)])];
});
