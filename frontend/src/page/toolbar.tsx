/** How the view lies: layout, depth, links and colours. */

import type { ComponentChildren } from "preact";
import type { Layout } from "../state/query";
import { go, where } from "../state/where";
import { Places } from "./header";

const LAYOUTS: readonly (readonly [Layout, string, string])[] = [
  ["force", "Force", "Linked nodes close to each other"],
  ["layered", "Lineage", "From teacher to student, in layers"],
  ["timeline", "Timeline", "By year, from left to right"],
];

export function Toolbar() {
  const { layout, depth, links, colour, map } = where.value;
  return (
    <div class="toolbar" role="toolbar" aria-label="View">
      <Places />
      <Choice label="Layout">
        {LAYOUTS.map(([name, label, title]) => (
          <Option
            key={name}
            on={!map && layout === name}
            title={title}
            choose={() => go({ layout: name, map: false, camera: null })}
          >
            {label}
          </Option>
        ))}
      </Choice>
      <Choice label="Depth" shown>
        {[1, 2, 3].map((each) => (
          <Option
            key={each}
            on={!map && depth === each}
            title={each === 1 ? "Neighbours of where the view begins" : `Up to ${each} links away`}
            choose={() => go({ depth: each, map: false })}
          >
            {each}
          </Option>
        ))}
      </Choice>
      <Choice label="Links">
        <Option on={!map && links === "full"} title="All links" choose={() => go({ links: "full", map: false })}>
          Full
        </Option>
        <Option
          on={!map && links === "overview"}
          title="Without the links that say again what others say"
          choose={() => go({ links: "overview", map: false })}
        >
          Overview
        </Option>
      </Choice>
      <Choice label="Colour by" shown>
        <Option on={colour === "kind"} title="Colour by kind of node" choose={() => go({ colour: "kind" })}>
          Kind
        </Option>
        <Option
          on={colour === "community"}
          title="Colour by communities: nodes with many links among themselves"
          choose={() => go({ colour: "community" })}
        >
          Community
        </Option>
      </Choice>
      <button
        type="button"
        class="button"
        aria-pressed={map}
        title="Everything at once (M)"
        onClick={() => go({ map: !map, camera: null, sheet: "" })}
      >
        Map of everything
      </button>
    </div>
  );
}

function Choice(props: { label: string; shown?: boolean; children: ComponentChildren }) {
  const { label, shown = false, children } = props;
  return (
    <div class="choice" role="group" aria-label={label}>
      {shown && <span aria-hidden="true">{label}</span>}
      <div>{children}</div>
    </div>
  );
}

function Option(props: { on: boolean; title: string; choose: () => void; children: ComponentChildren }) {
  const { on, title, choose, children } = props;
  return (
    <button type="button" aria-pressed={on} title={title} onClick={choose}>
      {children}
    </button>
  );
}
