/** The graph: the stage in the page, and what lies about it. */

import { computed, effect } from "@preact/signals";
import { useLayoutEffect, useRef, useState } from "preact/hooks";
import { api } from "../api/client";
import { drawMap, drawView, type Drawing } from "../draw/drawing";
import { Stage } from "../draw/stage";
import { fresh } from "../state/answer";
import { kinds, map, nodeKinds, path, seen, server, view } from "../state/data";
import { USUAL, type Camera } from "../state/query";
import { dark } from "../state/theme";
import { go, pick, question, where } from "../state/where";
import { clearFilters, expand, filtered, home } from "./actions";
import { part, said, stage } from "./here";
import { Icon } from "./icons";
import { onGraphKey } from "./keys";
import { Minimap } from "./minimap";
import { EveryNode } from "./neighbours";
import { captionOf, plural } from "./text";
import { whole } from "../panels/words";

/** What is to be drawn, once it is known. */
const drawing = computed((): Drawing | null => {
  const known = kinds.value.data;
  if (!known && !kinds.value.error) return null; // arrows and letters come with the kinds
  if (where.value.map) return map.value.data && known ? drawMap(map.value.data, known) : null;
  return view.value.data && drawView(view.value.data, known);
});

const answer = computed(() => (where.value.map ? map.value : view.value));

export function Canvas() {
  const [drawn, setDrawn] = useState(true); // until the browser turns out to have no WebGL
  const { map: mapped } = where.value;
  const now = drawing.value;
  const count = now?.nodes.length ?? 0;
  const { loading, error, data } = answer.value;
  return (
    <div class="canvas">
      <div
        class="graph"
        role="application"
        aria-label="Graph"
        aria-describedby="caption keys"
        tabIndex={0}
        onKeyDown={onGraphKey}
      >
        {drawn ? <Drawn onLost={() => setDrawn(false)} /> : <Still />}
      </div>
      <p id="keys" hidden>
        Arrow keys walk from node to node, Enter expands, question mark tells all keys.
      </p>
      {loading && data !== null && <div class="progress" aria-hidden="true" />}
      {drawn && now && count > 0 && (
        <>
          <div class="zoom" role="group" aria-label="Zoom">
            <button type="button" aria-label="Zoom in" title="Zoom in (+)" onClick={() => stage.peek()?.zoom(1.5)}>
              <Icon name="plus" />
            </button>
            <button type="button" aria-label="Zoom out" title="Zoom out (−)" onClick={() => stage.peek()?.zoom(1 / 1.5)}>
              <Icon name="minus" />
            </button>
            <button type="button" aria-label="Fit" title="Fit everything into sight (0)" onClick={() => stage.peek()?.fit()}>
              <Icon name="fit" />
            </button>
          </div>
          <Minimap drawing={now} />
        </>
      )}
      {drawn && <Tip />}
      <Notices />
      {data === null && loading && (
        <div class="state" role="status">
          <span class="spinner" aria-hidden="true" />
          <p>{mapped ? "Drawing the map of everything" : "Loading the graph"}</p>
        </div>
      )}
      {data === null && error && (
        <div class="state" role="alert">
          <h2>{error.gone ? "The server does not answer" : "This view cannot be shown"}</h2>
          <p>{error.message}</p>
          <p class="actions">
            <button type="button" class="button is-first" onClick={() => (fresh.value += 1)}>
              Try again
            </button>
            <button type="button" class="button" onClick={home}>
              Go to the reference case
            </button>
          </p>
        </div>
      )}
      {now && count === 0 && <Empty />}
      <Caption />
    </div>
  );
}

/** The stage, following the state. */
function Drawn({ onLost }: { onLost: () => void }) {
  const box = useRef<HTMLDivElement>(null);
  // Before the first paint: WebGL takes a while to begin, and the answers are on their way meanwhile.
  useLayoutEffect(() => {
    if (!box.current) return;
    let asked: Camera | null = where.peek().camera;
    let later: ReturnType<typeof setTimeout> | undefined;
    let made: Stage;
    try {
      made = new Stage(box.current, {
        onPick: (key) => (key || where.peek().path.length !== 1 ? pick(key) : undefined),
        onOpen: expand,
        onMoved: (scene, places) => void api.keepPlaces(scene, places).catch(() => (said.value = "The place could not be kept.")),
        onCamera: (camera) => {
          clearTimeout(later);
          later = setTimeout(() => {
            asked = camera;
            go({ camera }, false);
          }, 250); // browsers let an address change only so often
        },
        onLost,
      });
    } catch {
      onLost();
      return;
    }
    stage.value = made;
    const follow = [
      effect(() => {
        if (!drawing.value) return;
        const letters = new Map([...nodeKinds.value].map(([name, { letter }]) => [name as string, letter]));
        made.show(drawing.value, letters, where.peek().camera);
      }),
      effect(() => {
        const trail = where.value.path.length === 2 ? (path.value.data?.nodes ?? []) : [];
        made.look({ pick: where.value.pick, colour: where.value.colour, trail: trail.map(({ key }) => key) });
      }),
      effect(() => {
        void dark.value;
        made.dress();
      }),
      effect(() => {
        const { camera } = where.value;
        if (camera === asked) return;
        asked = camera;
        made.go(camera);
      }),
    ];
    return () => {
      clearTimeout(later);
      for (const stop of follow) stop();
      stage.value = null;
      made.kill();
    };
  }, []);
  return <div class="stage" ref={box} />;
}

/** What there is without WebGL: a picture that the server drew, and the nodes as a list. */
function Still() {
  if (where.value.map) {
    return (
      <div class="still">
        <p class="notice">This browser draws without WebGL, which the map needs. Search and the other views work.</p>
      </div>
    );
  }
  return (
    <div class="still">
      <p class="notice">This browser draws without WebGL, so this is a picture. The list beneath it does what the graph would.</p>
      {view.value.data && <img src={`/api/picture?${question.value}`} alt={`Drawing of ${view.value.data.title}`} />}
      <EveryNode open />
    </div>
  );
}

/** Why there is the link that the pointer is on. */
function Tip() {
  const tip = stage.value?.tip.value;
  if (!tip) return null;
  return (
    <div class="tip" role="tooltip" style={{ left: `${tip.x}px`, top: `${tip.y}px` }}>
      <b>{tip.title}</b>
      <span>{tip.text}</span>
    </div>
  );
}

/** What the reader should know of what is seen, and what can be done about it. */
function Notices() {
  const { data, error } = view.value;
  const { path: ends, map: mapped, limit } = where.value;
  const frame = stage.value?.frame.value;
  const outside = frame && drawing.value ? stage.value!.outside(frame) : 0;
  const total = data?.counts.total_nodes ?? 0;
  const next = [500, 1000, 2000].find((each) => each > limit);
  return (
    <div class="notices">
      {server.value.gone && (
        <p class="notice" role="alert">
          The server does not answer. Is <code>tutelage explore</code> still running? What you see is as it was.
        </p>
      )}
      {error && data && !error.gone && <p class="notice" role="alert">{error.message}</p>}
      {ends.length === 1 && (
        <p class="notice" role="status">
          <span>
            Path from <b>{seen.value.get(ends[0]!)?.label ?? ends[0]}</b>: pick the other end, or search for it.
          </span>
          <button type="button" class="link" onClick={() => go({ path: [] })}>
            Cancel
          </button>
        </p>
      )}
      {mapped && map.value.data?.truncated && (
        <p class="notice">The map shows the {whole(map.value.data.keys.length)} most important nodes; search finds the others.</p>
      )}
      {!mapped && data?.truncated && (
        <p class="notice">
          <span>
            {total > data.counts.nodes
              ? `There is more than is shown: ${whole(data.counts.nodes)} of ${plural(total, "node")}.`
              : `There is more than these ${plural(total, "node")}.`}
          </span>
          {next && total >= limit && (
            <button type="button" class="link" onClick={() => go({ limit: next })}>
              Show up to {whole(next)}
            </button>
          )}
        </p>
      )}
      {outside > 0 && (
        <p class="notice is-soft">
          <span>{plural(outside, "node is", "nodes are")} out of sight.</span>
          <button type="button" class="link" onClick={() => stage.peek()?.fit()}>
            Fit all
          </button>
        </p>
      )}
    </div>
  );
}

function Empty() {
  return (
    <div class="state" role="status">
      {where.value.map ? (
        <>
          <h2>The map is being drawn</h2>
          <p>It takes seconds for thousands of nodes, and appears by itself.</p>
        </>
      ) : filtered.value ? (
        <>
          <h2>The filters hide everything</h2>
          <p>Nothing of this view passes them.</p>
          <button type="button" class="button is-first" onClick={clearFilters}>
            Clear the filters
          </button>
        </>
      ) : (
        <>
          <h2>Nothing is here yet</h2>
          <p>Runs appear by themselves as they train. Papers come with an import.</p>
          <button type="button" class="button is-first" onClick={home}>
            Go to the reference case
          </button>
        </>
      )}
    </div>
  );
}

/** What stands beneath the graph, and what a screen reader says when it changes. */
function Caption() {
  const { map: mapped } = where.value;
  const counts = view.value.data?.counts;
  const whole = map.value.data;
  const text =
    mapped && whole
      ? captionOf({ nodes: whole.keys.length, total_nodes: whole.keys.length, links: whole.source.length })
      : !mapped && counts
        ? captionOf(counts)
        : "";
  return (
    <p class="caption" id="caption">
      <span>{text}</span>
    </p>
  );
}

/** Tell what is picked, and keep the places of new nodes so that nothing jumps at the next visit. */
export function attend(): () => void {
  let told = "";
  let kept = "";
  const stops = [
    effect(() => {
      const { pick: picked } = where.value;
      const node = seen.value.get(picked);
      if (picked === told || (picked && !node)) return;
      told = picked;
      if (node) said.value = `${node.label}, ${nodeKinds.peek().get(node.kind)?.singular ?? ""}, ${plural(node.links, "link")}`;
    }),
    effect(() => {
      const { data } = view.value;
      if (!data?.unplaced.length) return;
      const places = Object.fromEntries(
        data.unplaced.flatMap((key) => {
          const node = seen.peek().get(key);
          return node ? [[key, [node.x, node.y]] as const] : [];
        }),
      );
      const text = JSON.stringify([data.scene, data.unplaced]);
      if (text === kept) return;
      kept = text;
      api.keepPlaces(data.scene, places).catch(() => (kept = "")); // kept with the next answer
    }),
    effect(() => {
      if (where.value.sheet !== USUAL.sheet) part.value = "graph";
    }),
  ];
  return () => stops.forEach((stop) => stop());
}
