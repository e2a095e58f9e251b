/** What keys do, what the links mean and where they come from. */

import type { LinkKind } from "../api/types";
import { kinds } from "../state/data";
import { Letter } from "./parts";
import { Waiting } from "./waiting";

/** What the page does at a key; `keys` are pressed together. */
export interface Key {
  keys: readonly string[];
  does: string;
}

/** The signal in words, as the server computes it. */
const SIGNAL =
  "How close a node is to what the view is about, from 0 to 10. Somebody who walks along the links " +
  "at random, and at each step starts again at the view's first nodes with a chance of 15 in 100, " +
  "is at some nodes more often than at others. The signal is the square root of that share, and the " +
  "strongest node has 10. Works on and Related context count half.";

/** The panel of help. */
export function HelpPanel({ keys = [] }: { keys?: readonly Key[] }) {
  return (
    <article class="panel help">
      {keys.length > 0 && (
        <section>
          <h3>Keys</h3>
          <dl class="help-keys">
            {keys.map(({ keys: pressed, does }) => (
              <div key={does}>
                <dt>
                  {pressed.map((key) => (
                    <kbd key={key}>{key}</kbd>
                  ))}
                </dt>
                <dd>{does}</dd>
              </div>
            ))}
          </dl>
        </section>
      )}
      <section>
        <h3>Signal</h3>
        <p>{SIGNAL}</p>
      </section>
      <Waiting answer={kinds.value} what="the kinds">
        {({ nodes, links }) => (
          <>
            <section>
              <h3>Nodes</h3>
              <ul class="help-nodes">
                {nodes.map(({ name, plural }) => (
                  <li key={name}>
                    <Letter kind={name} /> {plural}
                  </li>
                ))}
              </ul>
            </section>
            <section>
              <h3>Links</h3>
              <p class="panel-quiet">
                A source states a link, or it follows from others and is computed anew whenever they
                change. What is folded links every two nodes that share a neighbour: it says again
                what other links say, so the overview leaves it out.
              </p>
              <dl class="help-links">
                {links.map((link) => (
                  <div key={link.name}>
                    <dt>
                      <Letter kind={link.source} />
                      <span aria-hidden="true">{link.directed ? "→" : "–"}</span>
                      <Letter kind={link.target} /> <b>{link.label}</b>
                      <span class="help-class">{classOf(link)}</span>
                    </dt>
                    <dd>{link.rule}</dd>
                  </div>
                ))}
              </dl>
            </section>
          </>
        )}
      </Waiting>
    </article>
  );
}

/** Where links of a kind come from, in a word. */
export function classOf({ derived, projection }: LinkKind): string {
  if (projection) return "computed, folded";
  return derived ? "computed" : "stated";
}
