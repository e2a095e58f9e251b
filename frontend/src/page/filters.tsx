/** What the view leaves out: kinds of nodes and links, years, topics, methods, poor runs. */

import { useState } from "preact/hooks";
import { api } from "../api/client";
import type { Kind, NodeBrief } from "../api/types";
import { YearHistogram } from "../panels";
import { Letter } from "../panels/parts";
import { whole } from "../panels/words";
import { useAnswer } from "../state/answer";
import { kinds, view } from "../state/data";
import { toggled } from "../state/query";
import { go, where } from "../state/where";
import { clearFilters, filtered } from "./actions";
import { Finder } from "./finder";

export function Filters() {
  const { since, until, topic, method, accuracy, map } = where.value;
  const counts = view.value.data?.counts;
  return (
    <section class="side filters" aria-label="Filters" data-part="filters">
      <div class="side-head">
        <h2>Filters</h2>
        {filtered.value && (
          <button type="button" class="link" onClick={clearFilters}>
            Clear filters
          </button>
        )}
      </div>
      {map ? (
        <p class="quiet">The map shows everything that the graph holds. Filters are for the other views.</p>
      ) : (
        <>
          <NodeKinds counts={counts?.nodes_by_kind ?? {}} />
          <LinkKinds counts={counts?.links_by_kind ?? {}} />
          <fieldset class="filter-years">
            <legend>Years</legend>
            {counts && <YearHistogram years={counts.years} since={since} until={until} onRange={(first, last) => go({ since: first, until: last })} />}
            {counts && Object.keys(counts.years).length < 2 && (
              <p class="quiet">{Object.keys(counts.years)[0] ? `All of ${Object.keys(counts.years)[0]}` : "Nothing here has a year."}</p>
            )}
          </fieldset>
          <Chooser name="Topic" kind="topic" value={topic} onChoose={(key) => go({ topic: key })} />
          <Chooser name="Method" kind="method" value={method} onChoose={(key) => go({ method: key })} />
          <label class="filter-accuracy">
            <span>Least accuracy, %</span>
            <input
              class="field"
              type="number"
              min="0"
              max="100"
              step="0.5"
              placeholder="any"
              value={accuracy === null ? "" : Number((100 * accuracy).toFixed(4))}
              onChange={({ currentTarget }) => go({ accuracy: fractionOf(currentTarget.value) })}
            />
          </label>
        </>
      )}
    </section>
  );
}

/** A percentage as a fraction from 0 to 1, null where there is none. */
export function fractionOf(percent: string): number | null {
  const value = Number(percent);
  return percent.trim() === "" || !Number.isFinite(value) ? null : Math.min(1, Math.max(0, value / 100));
}

type Numbers = Readonly<Record<string, number>>;

function NodeKinds({ counts }: { counts: Numbers }) {
  const { hide } = where.value;
  const shown = (kinds.value.data?.nodes ?? []).filter(({ name }) => counts[name] || hide.includes(name));
  return (
    <fieldset>
      <legend>Nodes</legend>
      {shown.map(({ name, plural }) => (
        <Toggle key={name} kind={name} count={counts[name] ?? 0}>
          <Letter kind={name} />
          <span>{plural}</span>
        </Toggle>
      ))}
    </fieldset>
  );
}

function LinkKinds({ counts }: { counts: Numbers }) {
  const { hide } = where.value;
  const shown = (kinds.value.data?.links ?? []).filter(({ name }) => counts[name] || hide.includes(name));
  return (
    <fieldset>
      <legend>Links</legend>
      {shown.map(({ name, label, rule, derived, projection }) => (
        <Toggle key={name} kind={name} count={counts[name] ?? 0} title={rule}>
          <span class={`stroke ${projection ? "is-projection" : derived ? "is-derived" : ""}`} aria-hidden="true" />
          <span>{label}</span>
        </Toggle>
      ))}
    </fieldset>
  );
}

function Toggle(props: { kind: string; count: number; title?: string; children: preact.ComponentChildren }) {
  const { kind, count, title, children } = props;
  return (
    <label class="toggle" title={title}>
      <input
        type="checkbox"
        checked={!where.value.hide.includes(kind)}
        onChange={() => go(toggled(where.peek(), kind))}
      />
      {children}
      <span class="toggle-count">{whole(count)}</span>
    </label>
  );
}

const ask = (key: string, signal: AbortSignal) => api.node(key, signal);

/** A node of one kind that the view must have to do with, found by its name. */
function Chooser(props: { name: string; kind: Kind; value: string; onChoose: (key: string) => void }) {
  const { name, kind, value, onChoose } = props;
  const [text, setText] = useState("");
  const { data } = useAnswer<NodeBrief>(value || null, ask);
  return (
    <div class="chooser" role="group" aria-label={name}>
      <span aria-hidden="true">{name}</span>
      {value ? (
        <span class="chip">
          <Letter kind={kind} />
          <span>{data?.label ?? value}</span>
          <button type="button" aria-label={`Any ${name.toLowerCase()}`} onClick={() => onChoose("")}>
            ×
          </button>
        </span>
      ) : (
        <Finder
          id={`choose-${kind}`}
          label={`${name} filter`}
          placeholder="any"
          kinds={[kind]}
          text={text}
          onText={setText}
          onChoose={({ key }) => {
            setText("");
            onChoose(key);
          }}
        />
      )}
    </div>
  );
}
