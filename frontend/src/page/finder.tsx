/** A field that finds nodes as one types: a combobox with a list of what fits. */

import { useEffect, useRef, useState } from "preact/hooks";
import { api } from "../api/client";
import type { Kind, NodeBrief } from "../api/types";
import { Letter } from "../panels/parts";
import { useAnswer } from "../state/answer";
import { nodeKinds } from "../state/data";

const SHOWN = 12;

const ask = (text: string, signal: AbortSignal) => {
  const [q, kinds] = JSON.parse(text) as [string, Kind[]];
  return api.search(q, kinds, SHOWN, signal);
};

export function Finder(props: {
  id: string;
  label: string;
  placeholder: string;
  kinds: readonly Kind[];
  text: string;
  onText: (text: string) => void;
  onChoose: (node: NodeBrief) => void;
}) {
  const { id, label, placeholder, kinds, text, onText, onChoose } = props;
  const [open, setOpen] = useState(false);
  const [at, setAt] = useState(0);
  const wanted = useRef(false); // Enter came before the answer
  const last = useRef<readonly NodeBrief[]>([]); // shown until the next answer, so that nothing flickers
  const typed = text.trim();
  const { data, error, loading } = useAnswer(open && typed ? JSON.stringify([typed, kinds]) : null, ask);
  if (data) last.current = data.nodes;
  if (!typed) last.current = [];
  const nodes = last.current;
  const active = Math.min(at, nodes.length - 1);

  const choose = (node: NodeBrief): void => {
    wanted.current = false;
    setOpen(false);
    onChoose(node);
  };
  useEffect(() => {
    if (wanted.current && data?.nodes[0]) choose(data.nodes[0]);
    wanted.current = false;
  }, [data]);
  useEffect(() => {
    document.getElementById(`${id}-${active}`)?.scrollIntoView?.({ block: "nearest" });
  }, [active]);

  const onKeyDown = (event: KeyboardEvent): void => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step) {
      setOpen(true);
      if (nodes.length) setAt((active + step + nodes.length) % nodes.length);
    } else if (event.key === "Enter") {
      if (!typed) return;
      const node = open && !loading ? nodes[active] : undefined;
      setOpen(true);
      if (node) choose(node);
      else wanted.current = true;
    } else if (event.key === "Escape") {
      if (open && typed) setOpen(false);
      else if (text) onText("");
      else return (event.currentTarget as HTMLElement).blur();
    } else return;
    event.preventDefault();
  };
  const shown = open && typed !== "";
  return (
    <div class="finder">
      <input
        id={id}
        class="field"
        type="text"
        role="combobox"
        autocomplete="off"
        spellcheck={false}
        aria-label={label}
        aria-autocomplete="list"
        aria-expanded={shown && nodes.length > 0}
        aria-controls={`${id}-list`}
        aria-activedescendant={shown && active >= 0 ? `${id}-${active}` : undefined}
        placeholder={placeholder}
        maxLength={200}
        value={text}
        onInput={({ currentTarget }) => {
          setOpen(true);
          setAt(0);
          onText(currentTarget.value);
        }}
        onFocus={() => setOpen(true)}
        onBlur={() => setOpen(false)}
        onKeyDown={onKeyDown}
      />
      <div class="finder-box" hidden={!shown}>
        <ul id={`${id}-list`} role="listbox" tabIndex={-1} aria-label={`${label}: found`}>
          {shown &&
            nodes.map((node, index) => (
              <li
                key={node.key}
                id={`${id}-${index}`}
                role="option"
                aria-selected={index === active}
                onPointerDown={(event) => event.preventDefault()}
                onPointerMove={() => setAt(index)}
                onClick={() => choose(node)}
              >
                <Letter kind={node.kind} />
                <span>
                  <span class="finder-name">{node.label}</span>
                  <span class="finder-sub">{subOf(node)}</span>
                </span>
              </li>
            ))}
        </ul>
        {shown && nodes.length === 0 && (
          <p role="status">
            {error ? error.message : loading ? "Searching" : `Nothing is called “${typed}”.`}
          </p>
        )}
      </div>
    </div>
  );
}

/** The line beneath a name, with the kind where it does not say it. */
function subOf({ kind, sub }: NodeBrief): string {
  const name = nodeKinds.value.get(kind)?.singular ?? "";
  return !name || sub.toLowerCase().startsWith(name.toLowerCase()) ? sub : [name, sub].filter(Boolean).join(" · ");
}
