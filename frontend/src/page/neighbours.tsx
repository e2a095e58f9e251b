/** The neighbours of a node as a list, in step with the canvas: what one picks, the other shows. */

import { useEffect, useRef, useState } from "preact/hooks";
import { ApiError, api } from "../api/client";
import type { Neighbour, NeighbourGroup, NodeBrief, SeenNode } from "../api/types";
import { Letter } from "../panels/parts";
import { Waiting } from "../panels/waiting";
import { whole } from "../panels/words";
import { useAnswer } from "../state/answer";
import { linkKinds, node, nodeKinds, seen, told, view } from "../state/data";
import { pick, where } from "../state/where";
import { hidden } from "./actions";
import { stage } from "./here";

const PAGE = 20;

interface Question {
  key: string;
  hide: readonly string[];
  within: string;
}

const ask = (text: string, signal: AbortSignal) =>
  api.neighbours({ ...(JSON.parse(text) as Question), limit: PAGE, offset: 0 }, signal);

export function Neighbours() {
  const { at, within, map } = where.value;
  const key = told.value;
  const question: Question = { key, hide: hidden.value, within: at.length || map ? "" : within };
  const text = key ? JSON.stringify(question) : null;
  const answer = useAnswer(text, ask);
  const heading = useRef<HTMLHeadingElement>(null);
  const picked = useRef(false);
  useEffect(() => {
    // The button that was pressed is gone with its list: go on from the head of the next one.
    if (picked.current) heading.current?.focus();
    picked.current = false;
  }, [key]);
  const onPick = (to: string): void => {
    picked.current = true;
    pick(to);
    stage.peek()?.reveal(to);
  };
  const name = node.value.data?.label;
  return (
    <section class="side neighbours" aria-label="Neighbours" data-part="neighbours">
      <h2 ref={heading} tabIndex={-1}>
        Neighbours{name && <span class="neighbours-of"> of {name}</span>}
      </h2>
      {!key && <p class="quiet">Those of the node that is picked are listed here, by kind of link.</p>}
      <Waiting answer={answer} what="the neighbours">
        {({ groups }) =>
          groups.length === 0 ? (
            <p class="quiet">It has no neighbours that are shown.</p>
          ) : (
            <div onKeyDown={onArrow}>
              {groups.map((group) => (
                <Group key={`${text} ${group.kind} ${group.outward}`} question={question} first={group} onPick={onPick} />
              ))}
            </div>
          )
        }
      </Waiting>
      <EveryNode onPick={onPick} />
    </section>
  );
}

function Group(props: { question: Question; first: NeighbourGroup; onPick: (key: string) => void }) {
  const { question, first, onPick } = props;
  const [more, setMore] = useState<readonly Neighbour[]>([]);
  const [said, setSaid] = useState("");
  const nodes = [...first.nodes, ...more];
  const left = first.total - nodes.length;
  const next = async (): Promise<void> => {
    const others = [...linkKinds.value.keys()].filter((kind) => kind !== first.kind);
    try {
      const hide = [...new Set([...question.hide, ...others])];
      const { groups } = await api.neighbours({ ...question, hide, limit: PAGE, offset: nodes.length });
      const found = groups.find(({ kind, outward }) => kind === first.kind && outward === first.outward);
      setMore([...more, ...(found?.nodes ?? [])]);
      setSaid("");
    } catch (error) {
      setSaid(error instanceof ApiError ? error.message : String(error));
    }
  };
  return (
    <div class="group">
      <h3>
        <span>{headOf(first)}</span>
        <span class="group-total">{left > 0 ? `${whole(nodes.length)} of ${whole(first.total)}` : whole(first.total)}</span>
      </h3>
      <ul>
        {nodes.map(({ reason, ...node }) => (
          <Item key={node.key} node={node} sub={reason || node.sub} onPick={onPick} />
        ))}
      </ul>
      {left > 0 && (
        <button type="button" class="link" onClick={() => void next()}>
          {whole(Math.min(PAGE, left))} more
        </button>
      )}
      {said && <p role="alert">{said}</p>}
    </div>
  );
}

/** What a group of neighbours is called: its kind of link, and which way it is read. */
function headOf({ kind, label, outward }: NeighbourGroup): string {
  const known = linkKinds.value.get(kind);
  if (!known?.directed || known.source !== known.target) return label;
  return outward ? `${label} →` : `${label} ←`;
}

function Item({ node, sub, onPick }: { node: NodeBrief; sub: string; onPick: (key: string) => void }) {
  const shown = where.value.map || seen.value.has(node.key);
  return (
    <li>
      <button
        type="button"
        class={`neighbour ${shown ? "" : "is-away"}`}
        aria-current={where.value.pick === node.key ? "true" : undefined}
        onClick={() => onPick(node.key)}
        onPointerEnter={() => stage.peek()?.point(node.key)}
        onPointerLeave={() => stage.peek()?.point("")}
        onFocus={() => stage.peek()?.point(node.key)}
        onBlur={() => stage.peek()?.point("")}
      >
        <Letter kind={node.kind} />
        <span>
          <span class="neighbour-name">{node.label}</span>
          <span class="neighbour-why">{sub}</span>
        </span>
      </button>
    </li>
  );
}

/** Up and Down go from one neighbour to the next. */
function onArrow(event: KeyboardEvent & { currentTarget: HTMLElement }): void {
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (!step) return;
  const buttons = [...event.currentTarget.querySelectorAll("button")];
  const at = buttons.indexOf(document.activeElement as HTMLButtonElement);
  const next = buttons[at + step];
  if (at < 0 || !next) return;
  event.preventDefault();
  next.focus();
}

const LISTED = 200;

/** What the canvas shows of a node: its kind, the line beneath its name, its signal and links. */
function standing(node: SeenNode): string {
  const kind = nodeKinds.value.get(node.kind)?.singular ?? "";
  const parts = [kind, node.sub === kind ? "" : node.sub, `signal ${node.signal}`, `${whole(node.links)} links`];
  return parts.filter(Boolean).join(", ");
}

/** Every node of the view by name, for who cannot see the canvas. */
export function EveryNode({ onPick = pick, open = false }: { onPick?: (key: string) => void; open?: boolean }) {
  const nodes = view.value.data?.nodes ?? [];
  if (nodes.length === 0 || where.value.map) return null;
  const ordered = nodes.toSorted((one, other) => other.signal - one.signal || one.label.localeCompare(other.label));
  return (
    <details class="every" open={open}>
      <summary>All {whole(nodes.length)} nodes of this view</summary>
      <ul>
        {ordered.slice(0, LISTED).map((node) => (
          <Item
            key={node.key}
            node={node}
            sub={standing(node)}
            onPick={onPick}
          />
        ))}
      </ul>
      {nodes.length > LISTED && <p class="quiet">The {whole(LISTED)} strongest are listed. Search finds the others.</p>}
    </details>
  );
}
