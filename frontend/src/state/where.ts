/** The address of the page is its state; Back is undo. */

import { computed, signal } from "@preact/signals";
import { USUAL, queryText, readWhere, whereText, type Where } from "./query";

export const where = signal<Where>(readWhere(location.search));

/** The question for the server; changes only when the answer could. */
export const question = computed(() => queryText(where.value));

window.addEventListener("popstate", () => {
  where.value = readWhere(location.search);
});

/**
 * Go to where `changes` lead.
 *
 * @param step whether Back returns here; not so for the camera and for letters as they are typed
 */
export function go(changes: Partial<Where>, step = true): void {
  const next = { ...where.peek(), ...changes };
  const text = whereText(next);
  if (text === location.search.slice(1)) return;
  if (step) history.pushState(null, "", `?${text}`);
  else history.replaceState(null, "", `?${text}`);
  where.value = next;
}

/** Begin anew at some nodes, with what is hidden still hidden. */
export function begin(changes: Partial<Where>): void {
  const { hide, colour, layout } = where.peek();
  go({ ...USUAL, hide, colour, layout, ...changes });
}

/** Pick a node, or with "" none. While a path wants its second end, that is what is picked. */
export function pick(key: string): void {
  const { path, pick: picked } = where.peek();
  if (path.length === 1 && key && key !== path[0]) go({ path: [path[0]!, key] });
  else if (key !== picked || path.length) go({ pick: key, path: [], sheet: "" });
}
