/** A shortest path, written out hop by hop. */

import type { Link, Path } from "../api/types";
import { linkKinds } from "../state/data";
import { CopyButton, NodeButton } from "./parts";

/** A step of a path: the link that is followed, and whether it is read along its own direction. */
export interface Hop {
  link: Link;
  forward: boolean;
}

/** The links of a path in its order, each with the way it is gone. */
export function hopsOf({ nodes, links }: Path): Hop[] {
  return links.map((link, index) => ({ link, forward: link.source === nodes[index]?.key }));
}

/** The path as a sentence a line, for a note or a message. */
export function pathText(path: Path): string {
  const names = path.nodes.map(({ label }) => label);
  return hopsOf(path)
    .map(({ link, forward }, index) => {
      const [from, to] = forward ? [index, index + 1] : [index + 1, index];
      const why = link.reason ? ` (${link.reason})` : "";
      return `${names[from]} \u2013 ${link.label} \u2192 ${names[to]}${why}`;
    })
    .join("\n");
}

/** How long a path is, in words. */
export function lengthOf({ links }: Path): string {
  return links.length === 1 ? "1 link" : `${links.length} links`;
}

/** The panel of a path; `onPick` is told the key of a node that was pressed. */
export function PathPanel({ path, onPick }: { path: Path; onPick: (key: string) => void }) {
  const [first, ...rest] = path.nodes;
  if (!first) {
    return (
      <p class="panel-quiet">
        No path joins the two within eight links. Kinds that are hidden are not walked along: show
        them again to look further.
      </p>
    );
  }
  const hops = hopsOf(path);
  return (
    <div class="panel path">
      <p class="panel-quiet">
        {path.links.length === 0 ? "Both ends are the same node." : `${lengthOf(path)} apart, the fewest there are.`}
      </p>
      <ol>
        <li>
          <NodeButton node={first} onPick={onPick} />
        </li>
        {rest.map((node, index) => {
          const hop = hops[index];
          return (
            <li key={node.key}>
              {hop && <HopLine hop={hop} />}
              <NodeButton node={node} onPick={onPick} />
            </li>
          );
        })}
      </ol>
      {path.links.length > 0 && <CopyButton text={pathText(path)}>Copy as text</CopyButton>}
    </div>
  );
}

function HopLine({ hop: { link, forward } }: { hop: Hop }) {
  const directed = linkKinds.value.get(link.kind)?.directed ?? true;
  return (
    <p class={`path-hop ${directed ? (forward ? "is-forward" : "is-backward") : ""}`}>
      <span class="path-link">{link.label}</span>
      {link.reason && <span class="panel-quiet">{link.reason}</span>}
      {directed && !forward && <span class="panel-hidden">, read from the next node to this one</span>}
    </p>
  );
}
