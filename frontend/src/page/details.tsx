/** All about one node, and what can be done with it. */

import type { NodeDetail } from "../api/types";
import { LineagePanel, PathPanel } from "../panels";
import { CopyButton, Letter, NodeButton } from "../panels/parts";
import { Waiting } from "../panels/waiting";
import { whole } from "../panels/words";
import { middle, node, nodeKinds, path, seen, told } from "../state/data";
import { go, pick, where } from "../state/where";
import { center, expand, fold, pathFrom, shownOf } from "./actions";
import { factsOf, safe } from "./facts";
import { Icon } from "./icons";
import { Clamped } from "./overview";
import { plural } from "./text";

export function Details() {
  return (
    <section class="side details" aria-label="Details" data-part="details">
      {told.value ? (
        <Waiting answer={node.value} what="the details">
          {(detail) => <Detail detail={detail} />}
        </Waiting>
      ) : (
        <p class="quiet">Pick a node on the graph, or search for one, to read about it here.</p>
      )}
    </section>
  );
}

function Detail({ detail }: { detail: NodeDetail }) {
  const { key, kind, label, sub, facts, bibtex, related, origins } = detail;
  const spot = seen.value.get(key);
  const open = safe(detail.open);
  const abstract = typeof facts.abstract === "string" ? facts.abstract : "";
  const told = factsOf(facts);
  const shownAbove = key === middle.value && kind === "work" && !where.value.map;
  return (
    <>
      <p class="detail-kind">
        <Letter kind={kind} />
        <b>{nodeKinds.value.get(kind)?.singular ?? kind}</b>
        {spot && (
          <>
            <span title="How close it is to what the view is about, from 0 to 10">Signal {spot.signal}</span>
            <span>{plural(spot.links, "link")}</span>
          </>
        )}
      </p>
      <h2>{label}</h2>
      {sub && <p class="quiet">{sub}</p>}
      <Actions detail={detail} open={open} />
      {abstract && !shownAbove && <Clamped key={key} text={abstract} />}
      {told.length > 0 && (
        <dl class="facts">
          {told.map(({ name, text, href }) => (
            <div key={name}>
              <dt>{name}</dt>
              <dd>
                {href ? (
                  <a href={href} target="_blank" rel="noopener noreferrer">
                    {text}
                  </a>
                ) : (
                  text
                )}
              </dd>
            </div>
          ))}
          {origins.length > 0 && (
            <div>
              <dt>Stated by</dt>
              <dd>{origins.join(", ")}</dd>
            </div>
          )}
        </dl>
      )}
      {related.length > 0 && (
        <div class="related">
          <h3>Leads to</h3>
          <ul>
            {related.map((other) => (
              <li key={other.key}>
                <NodeButton node={other} onPick={seen.value.has(other.key) ? pick : center} />
              </li>
            ))}
          </ul>
        </div>
      )}
      {(kind === "model" || kind === "run") && (
        <div class="related">
          <h3>Lineage</h3>
          <LineagePanel of={key} />
        </div>
      )}
      {bibtex && <CopyButton text={bibtex}>Copy BibTeX</CopyButton>}
    </>
  );
}

function Actions({ detail: { key, kind }, open }: { detail: NodeDetail; open: string | null }) {
  const spot = seen.value.get(key);
  const { at, fold: folds, open: opened, path: ends, compare, map } = where.value;
  const { shown, total } = spot ? shownOf(spot) : { shown: 0, total: 0 };
  const away = folds.includes(key);
  const alone = !map && at.length === 1 && at[0] === key;
  return (
    <>
      <div class="actions">
        {open && (
          <a class="button is-first" href={open} target="_blank" rel="noopener noreferrer">
            Open <Icon name="open" />
          </a>
        )}
        {kind === "run" && (
          <>
            <button type="button" class="button is-first" onClick={() => go({ pick: key, sheet: "run" })}>
              Curves
            </button>
            <button type="button" class="button" onClick={() => go({ pick: key, sheet: "classes" })}>
              Classes
            </button>
            <button
              type="button"
              class="button"
              onClick={() => go({ pick: key, compare: [...new Set([...compare, key])], sheet: "compare" })}
            >
              Compare
            </button>
          </>
        )}
        {spot && (shown < total || away) && (
          <button type="button" class="button" title="Show the next neighbours (E)" onClick={() => expand(key)}>
            Expand
          </button>
        )}
        {spot && (opened.includes(key) || (!away && total > 1)) && (
          <button type="button" class="button" title="Fold neighbours away (F)" onClick={() => fold(key)}>
            Fold
          </button>
        )}
        <button type="button" class="button" title="Find the way to another node (P)" onClick={() => pathFrom(key)} disabled={ends.length === 1 && ends[0] === key}>
          Path from here
        </button>
        {!alone && (
          <button type="button" class="button" title="Show it in a view of its own" onClick={() => center(key)}>
            Begin here
          </button>
        )}
      </div>
      {spot && total > 0 && (
        <p class="quiet detail-shown">
          {shown < total
            ? `${whole(shown)} of ${whole(total)} neighbours shown`
            : `All ${plural(total, "neighbour")} shown`}
        </p>
      )}
      {!spot && !map && <p class="quiet detail-shown">Not in what the graph shows now.</p>}
    </>
  );
}

/** The path between two nodes, or that its other end is still to be picked. */
export function PathBox() {
  const { path: ends } = where.value;
  if (ends.length !== 2) return null;
  const along = path.value.data?.nodes ?? [];
  const whole = along.length > 0 && along.every(({ key }) => seen.value.has(key));
  return (
    <section class="side path-box" aria-label="Path" data-part="details">
      <div class="side-head">
        <h2>Path</h2>
        <button type="button" class="button is-plain" onClick={() => go({ path: [] })}>
          Close the path
        </button>
      </div>
      <Waiting answer={path.value} what="the path">
        {(found) => <PathPanel path={found} onPick={(key) => go({ pick: key })} />}
      </Waiting>
      {along.length > 0 && !whole && (
        <button
          type="button"
          class="button"
          onClick={() => go({ at: along.map(({ key }) => key), within: "", open: [], fold: [], map: false, camera: null })}
        >
          Show it on the graph
        </button>
      )}
    </section>
  );
}
