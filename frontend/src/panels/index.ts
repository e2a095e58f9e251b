/**
 * The panels of the page, each a file and a component.
 *
 * A panel reads the state (`state/data.ts`, `state/where.ts`) and leads elsewhere by `go`, `begin`
 * and `pick` of `state/where.ts`. Those that are about one thing are told so by their props:
 *
 *   RunPanel        { run: string }              key of a run: curves, terms, table, command
 *   ClassesPanel    { run: string }              key of a run: what its teacher and student confuse
 *   ComparePanel    { runs: readonly string[] }  keys of two or more runs
 *   PathPanel       { path: Path; onPick }       hop by hop; onPick(key) picks a node
 *   ViewsPanel      {}                           named views: list, save, delete (a popover's content)
 *   ExportPanel     { query: string; png }       png() resolves to the picture on the canvas
 *   YearHistogram   { years; since; until; onRange }  years: { "2022": 3 }; null is no bound
 *   LineagePanel    { of: string }               key of a model or run: teachers above, students beneath
 *   HelpPanel       { keys? }                    what keys do, what kinds of nodes and links mean
 *
 * RunPanel, ClassesPanel, ComparePanel, LineagePanel and HelpPanel fill a sheet beneath the canvas (about 700 x 400 pixels;
 * a whole screen on a phone), which brings the heading and the button that closes it. Answers of the
 * server come by `useAnswer` of `state/answer.ts`, shown by `Waiting` of `panels/waiting.tsx` while
 * they are loading or failed. Colours are the variables of `style/tokens.css`.
 */

export { ClassesPanel } from "./classes";
export { ComparePanel } from "./compare";
export { ExportPanel } from "./export";
export { YearHistogram } from "./histogram";
export { HelpPanel } from "./help";
export { LineagePanel } from "./lineage";
export { PathPanel } from "./path";
export { RunPanel } from "./run";
export { ViewsPanel } from "./views";
