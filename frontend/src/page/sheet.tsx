/** What lies beneath the canvas: a run's curves, its classes, or runs side by side. */

import { useEffect, useRef } from "preact/hooks";
import { ClassesPanel, ComparePanel, RunPanel } from "../panels";
import { node } from "../state/data";
import { go, where } from "../state/where";
import { Icon } from "./icons";

const NAMES = { run: "Run", classes: "Classes", compare: "Compare" } as const;

export function Sheet() {
  const { sheet, compare } = where.value;
  const { data: told } = node.value;
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => heading.current?.focus({ preventScroll: true }), [sheet]);
  if (!sheet) return null;
  const run = told?.kind === "run" ? told : null;
  return (
    <section class="sheet" aria-label={NAMES[sheet]}>
      <div class="sheet-head">
        <h2 ref={heading} tabIndex={-1}>
          {NAMES[sheet]}
          {run && sheet !== "compare" && <span> {run.label}</span>}
        </h2>
        {run && (
          <div class="choice" role="group" aria-label="What of the run">
            <div>
              {(["run", "classes", "compare"] as const).map((name) => (
                <button
                  key={name}
                  type="button"
                  aria-pressed={sheet === name}
                  onClick={() => go({ sheet: name, ...(name === "compare" && !compare.length ? { compare: [run.key] } : {}) })}
                >
                  {name === "run" ? "Curves" : NAMES[name]}
                </button>
              ))}
            </div>
          </div>
        )}
        <button type="button" class="button is-plain" title="Close (Esc)" onClick={() => go({ sheet: "" })}>
          <Icon name="close" /> Close
        </button>
      </div>
      <div class="sheet-body" tabIndex={0} role="region" aria-label={`${NAMES[sheet]}, content`}>
        {sheet === "compare" ? (
          <ComparePanel runs={compare} />
        ) : !run ? (
          <p class="quiet">Pick a run to read about it here.</p>
        ) : sheet === "run" ? (
          <RunPanel run={run.key} />
        ) : (
          <ClassesPanel run={run.key} />
        )}
      </div>
    </section>
  );
}
