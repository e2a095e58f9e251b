/** What the view is about: the paper in its middle, and the view in small. */

import { useState } from "preact/hooks";
import { whole } from "../panels/words";
import { about, nodeKinds, view } from "../state/data";
import { go, where } from "../state/where";
import { plural } from "./text";
import { Preview } from "./preview";

export function Overview() {
  const { data } = view.value;
  const { links, map } = where.value;
  const folded = links === "overview";
  return (
    <section class="side overview" aria-label="Overview" data-part="overview">
      <About />
      {data && data.nodes.length > 0 && !map && (
        <button
          type="button"
          class="preview-button"
          aria-pressed={folded}
          title={folded ? "Show all links" : "Show only these links"}
          onClick={() => go({ links: folded ? "full" : "overview" })}
        >
          <Preview view={data} />
          <span>
            <b>Overview preview</b>
            <span>
              {plural(data.counts.nodes, "node")} / {plural(data.counts.overview_links, "link")}
            </span>
          </span>
        </button>
      )}
    </section>
  );
}

/** The title of the view and, where a paper is in the middle, its abstract. */
function About() {
  const { data: node, loading } = about.value;
  const { data } = view.value;
  if (where.value.map) {
    return (
      <>
        <h2>Map of everything</h2>
        <p class="quiet">
          Each point is a node, each island a community of nodes with many links among themselves. Pick one to read
          about it; open it to see what it is linked to.
        </p>
      </>
    );
  }
  if (!node) return loading ? <div class="skeleton" role="status" aria-label="Loading the overview"><span /><span /><span /></div> : null;
  const abstract = textOf(node.facts.abstract);
  const alone = where.value.at.length === 1 || node.kind === "work";
  return (
    <>
      <h2>{alone ? node.label : (data?.title ?? node.label)}</h2>
      {!alone && (
        <p class="quiet">
          Strongest in it: {node.label} ({nodeKinds.value.get(node.kind)?.singular}), of{" "}
          {whole(data?.counts.total_nodes ?? 0)} nodes.
        </p>
      )}
      {alone && (abstract ? <Clamped key={node.key} text={abstract} /> : node.sub && <p class="quiet">{node.sub}</p>)}
    </>
  );
}

const textOf = (fact: unknown): string => (typeof fact === "string" ? fact : "");

/** A long text of which the beginning is shown until more is asked for. */
export function Clamped({ text }: { text: string }) {
  const [all, setAll] = useState(false);
  const long = text.length > 260;
  return (
    <div class="abstract">
      <p class={long && !all ? "is-clamped" : ""}>{text}</p>
      {long && (
        <button type="button" class="link" aria-expanded={all} onClick={() => setAll(!all)}>
          {all ? "Less of the abstract" : "More of the abstract"}
        </button>
      )}
    </div>
  );
}
