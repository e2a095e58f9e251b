/** What the page holds beside its address: nothing that a link to the view should bring back. */

import { signal } from "@preact/signals";
import type { Stage } from "../draw/stage";

/** The canvas, where the browser can draw one. */
export const stage = signal<Stage | null>(null);

/** Parts of the page, of which a narrow screen shows the graph and one more. */
export type Part = "graph" | "overview" | "filters" | "details" | "neighbours";
export const part = signal<Part>("graph");

/** Whether the help lies open. */
export const helping = signal(false);

/** What a screen reader says next. */
export const said = signal("");
