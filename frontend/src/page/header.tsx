/** The head of the page: its name, search, what is kept and taken along, and help. */

import { ExportPanel, ViewsPanel } from "../panels";
import { origins } from "../state/data";
import { dark, switchTheme } from "../state/theme";
import { begin, go, pick, question, where } from "../state/where";
import { center, home } from "./actions";
import { Finder } from "./finder";
import { helping, part, stage } from "./here";
import { Icon } from "./icons";
import { Popover } from "./popover";
import { whole } from "../panels/words";

export function Header() {
  return (
    <header class="header">
      <h1>Graph explorer</h1>
      <Search />
      <div class="header-tools">
        <Popover label="Views" title="Named views">
          {() => <ViewsPanel />}
        </Popover>
        <Popover label="Export">{() => <ExportPanel query={question.value} png={png} />}</Popover>
        <button type="button" class="button" onClick={switchTheme} title="Switch between light and dark">
          {dark.value ? "Light" : "Dark"}
        </button>
        <button type="button" class="button" title="Help (?)" onClick={() => (helping.value = true)}>
          Help
        </button>
      </div>
    </header>
  );
}

async function png(): Promise<Blob> {
  if (stage.value) return stage.value.png();
  throw new Error("This browser draws no canvas here; SVG holds the same picture.");
}

function Search() {
  const { q, path } = where.value;
  const joins = path.length === 1;
  return (
    <div class="search" role="search">
      <Icon name="search" />
      <Finder
        id="search"
        label="Search the graph"
        placeholder={joins ? "Where should the path lead?" : "Search papers, people, methods, runs"}
        kinds={[]}
        text={q}
        onText={(text) => go({ q: text }, false)}
        onChoose={({ key }) => {
          part.value = "graph";
          if (joins) {
            go({ q: "" }, false);
            pick(key);
          } else center(key);
        }}
      />
      <kbd aria-hidden="true">/</kbd>
    </div>
  );
}

/** The way back to the reference case, and to all else that the graph comes from. */
export function Places() {
  const { within, at, map } = where.value;
  const here = (key: string): "true" | undefined => (!map && !at.length && within === key ? "true" : undefined);
  const known = origins.value.data ?? [];
  return (
    <>
      <button type="button" class="button" title="The reference case (H)" onClick={home}>
        Home
      </button>
      <Popover label="Sources" title="Where the graph comes from">
        {(close) => (
          <ul class="sources">
            {known.map(({ key, label, nodes, links }) => (
              <li key={key}>
                <button
                  type="button"
                  aria-current={here(key)}
                  onClick={() => {
                    begin({ within: key });
                    close();
                  }}
                >
                  <b>{label}</b>
                  <span>
                    {whole(nodes)} nodes / {whole(links)} links
                  </span>
                </button>
              </li>
            ))}
            <li>
              <button
                type="button"
                aria-current={here("")}
                onClick={() => {
                  begin({ within: "" });
                  close();
                }}
              >
                <b>Everything</b>
                <span>the most important nodes of all</span>
              </button>
            </li>
          </ul>
        )}
      </Popover>
    </>
  );
}
