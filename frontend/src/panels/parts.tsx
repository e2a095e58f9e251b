/** Small things that several panels show. */

import type { ComponentChildren } from "preact";
import { useEffect, useState } from "preact/hooks";
import type { Kind, NodeBrief } from "../api/types";
import { OUTLINES } from "../draw/shapes";
import { nodeKinds } from "../state/data";
import { pick } from "../state/where";
import "./panels.css";

/** A node's letter in the shape and the colour of its kind, as on the canvas. */
export function Letter({ kind }: { kind: Kind }) {
  return (
    <svg class={`panel-letter is-${kind}`} viewBox="-13 -13 26 26" width="26" height="26" aria-hidden="true">
      <path d={OUTLINES[kind]} transform="scale(10)" />
      <text y="4">{nodeKinds.value.get(kind)?.letter ?? ""}</text>
    </svg>
  );
}

/** A node as a button that picks it, or does what `onPick` says. */
export function NodeButton(props: {
  node: NodeBrief;
  sub?: string;
  onPick?: (key: string) => void;
}) {
  const { node, sub = node.sub, onPick = pick } = props;
  return (
    <button type="button" class="panel-node" onClick={() => onPick(node.key)}>
      <Letter kind={node.kind} />
      <span>
        <span class="panel-node-label">{node.label}</span>
        {sub && <span class="panel-node-sub">{sub}</span>}
      </span>
    </button>
  );
}

/** A bar as long as its share (0 to 1) of the room it has. */
export function Bar({ share, hue }: { share: number; hue: number }) {
  const length = 100 * Math.min(1, Math.max(0, share));
  return (
    <svg class={`panel-bar hue-${hue}`} viewBox="0 0 100 8" preserveAspectRatio="none" aria-hidden="true">
      <rect class="panel-bar-room" width="100" height="8" />
      <rect width={length} height="8" />
    </svg>
  );
}

/** A button that copies a text and says that it did, or that the browser would not. */
export function CopyButton(props: { text: string; children: ComponentChildren }) {
  const [said, setSaid] = useState("");
  useEffect(() => {
    const timer = said ? setTimeout(() => setSaid(""), 2500) : undefined;
    return () => clearTimeout(timer);
  }, [said]);
  const copy = async (): Promise<void> => {
    try {
      await navigator.clipboard.writeText(props.text);
      setSaid("Copied");
    } catch {
      setSaid("The browser does not allow copying; select the text instead");
    }
  };
  return (
    <span class="panel-copy">
      <button type="button" class="panel-button" onClick={() => void copy()}>
        {props.children}
      </button>
      <span class="panel-said" role="status">
        {said}
      </span>
    </span>
  );
}
