/** The keys of the page: what they do is what the help says of them. */

import type { Key } from "../panels/help";
import { told } from "../state/data";
import { go, pick, where } from "../state/where";
import { expand, fold, home, pathFrom, walk } from "./actions";
import { helping, part, stage } from "./here";

export const KEYS: readonly Key[] = [
  { keys: ["/"], does: "Search" },
  { keys: ["←", "→", "↑", "↓"], does: "Walk from node to node on the graph" },
  { keys: ["Enter"], does: "Expand the node, or show it in a view of its own" },
  { keys: ["E"], does: "Show the next neighbours of the node" },
  { keys: ["F"], does: "Fold them away again" },
  { keys: ["P"], does: "Begin a path at the node" },
  { keys: ["M"], does: "Map of everything, and back" },
  { keys: ["H"], does: "The reference case" },
  { keys: ["+"], does: "Zoom in" },
  { keys: ["−"], does: "Zoom out" },
  { keys: ["0"], does: "Fit everything into sight" },
  { keys: ["?"], does: "This help" },
  { keys: ["Esc"], does: "Close what is open, then pick nothing" },
  { keys: ["Alt", "←"], does: "Undo, as the browser's Back" },
];

const DIRECTIONS = { ArrowLeft: "left", ArrowRight: "right", ArrowUp: "up", ArrowDown: "down" } as const;

const ANYWHERE: Readonly<Record<string, () => void>> = {
  "/": () => document.getElementById("search")?.focus(),
  "?": () => (helping.value = true),
  e: () => expand(),
  f: () => fold(),
  p: () => pathFrom(),
  m: () => go({ map: !where.peek().map, camera: null, sheet: "" }),
  h: home,
  "+": () => stage.peek()?.zoom(1.5),
  "=": () => stage.peek()?.zoom(1.5),
  "-": () => stage.peek()?.zoom(1 / 1.5),
  "0": () => stage.peek()?.fit(),
  Escape: closeNext,
};

/** Close what lies on top: the sheet, then the path, then what is picked, then a drawer. */
function closeNext(): void {
  const { sheet, path, pick: picked } = where.peek();
  if (sheet) go({ sheet: "" });
  else if (path.length) go({ path: [] });
  else if (part.peek() !== "graph" && matchMedia("(max-width: 860px)").matches) part.value = "graph";
  else if (picked) pick("");
}

const types = (target: EventTarget | null): boolean =>
  target instanceof HTMLElement &&
  (target.isContentEditable || target.matches("textarea, select, input:not([type=checkbox])"));

/** The page's answer to a key, wherever the focus is. */
export function onKey(event: KeyboardEvent): void {
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
  if (types(event.target) || helping.peek()) return;
  const act = ANYWHERE[event.key.length === 1 ? event.key.toLowerCase() : event.key];
  if (!act) return;
  event.preventDefault();
  act();
}

/** What the graph itself answers when it has the focus. */
export function onGraphKey(event: KeyboardEvent): void {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const direction = DIRECTIONS[event.key as keyof typeof DIRECTIONS];
  if (direction) walk(direction);
  else if (event.key === "Enter") expand(told.peek());
  else return;
  event.preventDefault();
}
