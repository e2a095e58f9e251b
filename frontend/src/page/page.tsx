/** The whole page: search above, the view's meaning to the left, the graph, and the node to the right. */

import { useEffect } from "preact/hooks";
import { seen, view } from "../state/data";
import { where } from "../state/where";
import { Boundary } from "./boundary";
import { Canvas, attend } from "./canvas";
import { Details, PathBox } from "./details";
import { Filters } from "./filters";
import { Header } from "./header";
import { Help } from "./help";
import { part, said, type Part } from "./here";
import { onKey } from "./keys";
import { Neighbours } from "./neighbours";
import { Overview } from "./overview";
import { Sheet } from "./sheet";
import { Toolbar } from "./toolbar";

export function Page() {
  useEffect(() => {
    document.addEventListener("keydown", onKey);
    const stop = attend();
    return () => {
      document.removeEventListener("keydown", onKey);
      stop();
    };
  }, []);
  return (
    <div class="page" data-shown={part.value}>
      <Header />
      <Toolbar />
      <div class="left">
        <Boundary>
          <Overview />
          <Filters />
        </Boundary>
      </div>
      <main class={`middle ${where.value.sheet ? "has-sheet" : ""}`} aria-label={view.value.data?.title || "View"}>
        <Boundary>
          <Canvas />
        </Boundary>
        <Boundary>
          <Sheet />
        </Boundary>
      </main>
      <div class="right">
        <Boundary>
          <PathBox />
          <Details />
          <Neighbours />
        </Boundary>
      </div>
      <Tabs />
      <Help />
      <p class="unseen" role="status">
        {said.value}
      </p>
    </div>
  );
}

const TABS: readonly (readonly [Part, string])[] = [
  ["graph", "Graph"],
  ["overview", "About"],
  ["filters", "Filter"],
  ["details", "Node"],
  ["neighbours", "List"],
];

/** On a narrow screen: what is shown beside the graph. */
function Tabs() {
  const picked = seen.value.get(where.value.pick);
  return (
    <nav class="tabs" aria-label="Parts of the page">
      {picked && part.value === "graph" && (
        <button type="button" class="peek" onClick={() => (part.value = "details")}>
          <b>{picked.label}</b> <span>{picked.sub}</span>
        </button>
      )}
      <div>
        {TABS.map(([name, label]) => (
          <button
            key={name}
            type="button"
            aria-pressed={part.value === name}
            onClick={() => (part.value = part.value === name ? "graph" : name)}
          >
            {label}
          </button>
        ))}
      </div>
    </nav>
  );
}
