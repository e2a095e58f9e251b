/** Two or more runs side by side: what they came to, how they went there, what was set otherwise. */

import { useState } from "preact/hooks";
import { api } from "../api/client";
import type { Comparison, NodeBrief } from "../api/types";
import { useAnswer } from "../state/answer";
import { go } from "../state/where";
import { LineChart } from "./charts";
import { measuresOf, namesOf, overlaysOf } from "./contrast";
import { NodeButton } from "./parts";
import { axisOf } from "./story";
import { Waiting } from "./waiting";
import { number, percent, setting } from "./words";

const MOST = 6;

const together = (text: string, signal: AbortSignal) =>
  api.compare(JSON.parse(text) as string[], signal);

/** The panel that compares runs, by key; it asks for another while there is only one. */
export function ComparePanel({ runs }: { runs: readonly string[] }) {
  const answer = useAnswer(runs.length ? JSON.stringify(runs) : null, together);
  return (
    <div class="panel compare">
      {runs.length > 0 && (
        <Waiting answer={answer} what="the runs">
          {(comparison) => <CompareView runs={runs} comparison={comparison} />}
        </Waiting>
      )}
      {runs.length < MOST && <AddRun runs={runs} />}
    </div>
  );
}

/** The comparison as a page; differences are told from the first run. */
export function CompareView(props: { runs: readonly string[]; comparison: Comparison }) {
  const { runs: keys, comparison } = props;
  const { runs } = comparison;
  const names = namesOf(runs);
  const chips = (
    <ul class="compare-runs" aria-label="Runs compared">
      {runs.map((run, index) => (
        <li key={keys[index]} class={`hue-${index}`}>
          <span class="chart-swatch" aria-hidden="true" />
          <span>
            <b>{names[index]}</b>
            <span class="panel-node-sub">{String(run.run.id ?? keys[index])}</span>
          </span>
          <button
            type="button"
            class="compare-drop"
            aria-label={`Leave out ${names[index]}`}
            onClick={() => go({ compare: keys.filter((_, other) => other !== index) })}
          >
            ×
          </button>
        </li>
      ))}
    </ul>
  );
  if (runs.length < 2) return chips;
  return (
    <>
      {chips}
      <section>
        <h3>Measures</h3>
        <div class="panel-scroll" tabIndex={0} role="region" aria-label="Measures">
          <table class="panel-table">
            <thead>
              <tr>
                <th scope="col">Differences from {names[0]}, in points</th>
                {names.map((name) => (
                  <th key={name} scope="col">
                    {name}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {measuresOf(runs).map(({ name, values }) => (
                <tr key={name}>
                  <th scope="row">{name}</th>
                  {values.map(({ text, change }, index) => (
                    <td key={index}>
                      {change && <span class="compare-change">{change} </span>}
                      {text}
                    </td>
                  ))}
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      </section>
      <section>
        <h3>Curves</h3>
        <div class="chart-grid-of">
          {overlaysOf(runs).map(({ name, title, readings }) => (
            <LineChart
              key={name}
              title={title}
              across={runs[0] ? axisOf(runs[0]).name : "Step"}
              series={readings.flatMap((each, index) =>
                each.length ? [{ name: names[index] ?? "", hue: index, readings: each }] : [],
              )}
              format={name === "accuracy" ? percent : number}
              {...(name === "accuracy" ? { formatTick: whole } : { floor: 0 })}
            />
          ))}
        </div>
      </section>
      <section>
        <h3>Set otherwise</h3>
        <Differences comparison={comparison} names={names} />
      </section>
    </>
  );
}

const whole = (value: number): string => percent(value, 0);

/** The settings that differ; where the runs were set alike it says so. */
function Differences({ comparison, names }: { comparison: Comparison; names: readonly string[] }) {
  if (comparison.differences.length === 0) {
    return <p class="panel-quiet">Nothing: the runs have the same settings.</p>;
  }
  return (
    <div class="panel-scroll" tabIndex={0} role="region" aria-label="Settings that differ">
      <table class="panel-table">
        <thead>
          <tr>
            <th scope="col">Setting</th>
            {names.map((name) => (
              <th key={name} scope="col">
                {name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {comparison.differences.map(({ name, values }) => (
            <tr key={name}>
              <th scope="row">{name}</th>
              {names.map((_, index) => (
                <td key={index}>{setting(values[index])}</td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

/** Runs that a text names; without a word any, enough of them that 8 are others. */
const runsNamed = (text: string, signal: AbortSignal) => api.search(text, ["run"], 8 + MOST, signal);

/** A field that finds another run, offering some before anything is typed. */
function AddRun({ runs }: { runs: readonly string[] }) {
  const [text, setText] = useState("");
  const found = useAnswer(text.trim(), runsNamed);
  const offered: readonly NodeBrief[] = found.data?.nodes ?? [];
  const others = offered.filter(({ key }) => !runs.includes(key)).slice(0, 8);
  const add = (key: string): void => {
    setText("");
    go({ compare: [...runs, key] });
  };
  return (
    <section class="compare-add">
      <h3>{runs.length < 2 ? "Compare with" : "Add a run"}</h3>
      <input
        class="panel-field"
        type="search"
        placeholder="Find a run by method, data set or id"
        aria-label="Find a run to compare"
        value={text}
        onInput={({ currentTarget }) => setText(currentTarget.value)}
      />
      {others.length > 0 && (
        <ul aria-label="Runs found">
          {others.map((node) => (
            <li key={node.key}>
              <NodeButton node={node} onPick={add} />
            </li>
          ))}
        </ul>
      )}
      {others.length === 0 && !found.loading && (
        <p class="panel-quiet" role="status">
          {text.trim() ? "No other run has that name." : "There is no other run yet."}
        </p>
      )}
    </section>
  );
}
