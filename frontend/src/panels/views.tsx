/** Views that somebody gave a name: save, open, rename, delete. */

import { useState } from "preact/hooks";
import { api } from "../api/client";
import type { NamedView } from "../api/types";
import { fresh, useAnswer } from "../state/answer";
import { readWhere, whereText } from "../state/query";
import { go, where } from "../state/where";
import { CopyButton } from "./parts";
import { Waiting } from "./waiting";

const all = (_: string, signal: AbortSignal) => api.views(signal);

/** What a view shows, in a few words made from its address. */
export function viewStory(query: string): string {
  const view = readWhere(query || "within=");
  const begin = view.at.length
    ? `around ${view.at.length === 1 ? view.at[0] : `${view.at.length} nodes`}`
    : view.within
      ? `of ${view.within}`
      : view.map
        ? "the map of everything"
        : "the most important nodes";
  const years =
    view.since === null && view.until === null
      ? ""
      : `${view.since ?? "up"} to ${view.until ?? "now"}`.replace("up to", "up to");
  return [begin, view.layout === "force" ? "" : view.layout, years].filter(Boolean).join(", ");
}

/** The day of a UTC time, as the reader writes days. */
export function day(saved: string): string {
  const date = new Date(saved);
  return Number.isNaN(date.valueOf())
    ? ""
    : date.toLocaleDateString("en", { day: "numeric", month: "short", year: "numeric" });
}

/** The panel of named views; what it does is told beneath. */
export function ViewsPanel() {
  const answer = useAnswer(`views`, all);
  const [name, setName] = useState("");
  const [renamed, setRenamed] = useState<string | null>(null);
  const [said, setSaid] = useState("");
  const here = whereText(where.value);
  const taken = answer.data?.some((view) => view.name === name.trim()) ?? false;

  const change = async (work: () => Promise<unknown>, done: string): Promise<void> => {
    try {
      await work();
      setSaid(done);
      fresh.value += 1;
    } catch (error) {
      setSaid(error instanceof Error ? error.message : String(error));
    }
  };
  const save = async (event: Event): Promise<void> => {
    event.preventDefault();
    const given = name.trim();
    if (!given) return;
    await change(() => api.saveView(given, here), `Saved as ${given}`);
    setName("");
  };
  const rename = async (view: NamedView, to: string): Promise<void> => {
    setRenamed(null);
    if (!to || to === view.name) return;
    await change(async () => {
      await api.saveView(to, view.query);
      await api.removeView(view.name);
    }, `${view.name} is now ${to}`);
  };

  return (
    <div class="panel views">
      <form onSubmit={(event) => void save(event)}>
        <input
          class="panel-field"
          placeholder="Name for what you see now"
          aria-label="Name for this view"
          maxLength={100}
          value={name}
          onInput={({ currentTarget }) => setName(currentTarget.value)}
        />
        <button type="submit" class="panel-button is-first" disabled={!name.trim()}>
          {taken ? "Replace" : "Save"}
        </button>
      </form>
      <Waiting answer={answer} what="the named views">
        {(views) =>
          views.length === 0 ? (
            <p class="panel-quiet">No view has a name yet. A name keeps filters, layout and picked node.</p>
          ) : (
            <ul aria-label="Named views">
              {views.map((view) => (
                <li key={view.name}>
                  {renamed === view.name ? (
                    <RenameField view={view} done={(to) => void rename(view, to)} />
                  ) : (
                    <>
                      <button
                        type="button"
                        class="views-open"
                        aria-current={view.query === here ? "true" : undefined}
                        onClick={() => go(readWhere(view.query || "within="))}
                      >
                        <span class="panel-node-label">{view.name}</span>
                        <span class="panel-node-sub">
                          {[viewStory(view.query), day(view.saved)].filter(Boolean).join(" · ")}
                        </span>
                      </button>
                      <button
                        type="button"
                        class="views-small"
                        aria-label={`Rename ${view.name}`}
                        onClick={() => setRenamed(view.name)}
                      >
                        Rename
                      </button>
                      <button
                        type="button"
                        class="views-small"
                        aria-label={`Delete ${view.name}`}
                        onClick={() => void change(() => api.removeView(view.name), `Deleted ${view.name}`)}
                      >
                        Delete
                      </button>
                    </>
                  )}
                </li>
              ))}
            </ul>
          )
        }
      </Waiting>
      <CopyButton text={`${location.origin}${location.pathname}?${here}`}>Copy the link to this view</CopyButton>
      <p class="panel-said" role="status">
        {said}
      </p>
    </div>
  );
}

/** A field with the old name; Enter or leaving it renames, Escape does not. */
function RenameField({ view, done }: { view: NamedView; done: (to: string) => void }) {
  return (
    <input
      class="panel-field"
      aria-label={`New name for ${view.name}`}
      maxLength={100}
      defaultValue={view.name}
      ref={(field) => field?.focus()}
      onKeyDown={(event) => {
        if (event.key === "Enter") done(event.currentTarget.value.trim());
        else if (event.key === "Escape") done("");
        else return;
        event.preventDefault();
        event.stopPropagation();
      }}
      onBlur={({ currentTarget }) => done(currentTarget.value.trim())}
    />
  );
}
