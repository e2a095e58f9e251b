/** What the page knows from the server, following the address. */

import { computed, signal } from "@preact/signals";
import { api } from "../api/client";
import type { Kind, LinkKind, NodeKind, SeenNode } from "../api/types";
import { follow, fresh } from "./answer";
import { question, where } from "./where";

const once = signal(true);
export const kinds = follow(once, api.kinds).answer;
export const origins = follow(once, (_, signal) => api.origins(signal)).answer;

const viewed = computed(() => (where.value.map ? null : question.value));
export const view = follow(viewed, api.view).answer;

/** The most nodes that the map of everything asks for. */
const MAPPED = 100_000;
export const map = follow(
  computed(() => (where.value.map ? MAPPED : null)),
  api.map,
).answer;

/** The node that is told about: the picked one, or without that the first one of the seeds. */
export const told = computed(() => where.value.pick || middle.value);

/** The node that the view is about: the first seed, or else the one of the strongest signal. */
export const middle = computed((): string => {
  const { at } = where.value;
  if (at[0]) return at[0];
  const nodes = view.value.data?.nodes ?? [];
  return nodes.reduce<SeenNode | null>(
    (best, node) => (best === null || node.signal > best.signal ? node : best),
    null,
  )?.key ?? "";
});

export const node = follow(
  computed(() => told.value || null),
  api.node,
  { forget: true },
).answer;

export const about = follow(
  computed(() => middle.value || null),
  api.node,
  { forget: true },
).answer;

/** The nodes of the view by key. */
export const seen = computed(
  () => new Map((view.value.data?.nodes ?? []).map((node) => [node.key, node])),
);

export const nodeKinds = computed(
  () => new Map((kinds.value.data?.nodes ?? []).map((kind): [Kind, NodeKind] => [kind.name, kind])),
);
export const linkKinds = computed(
  () => new Map((kinds.value.data?.links ?? []).map((kind): [string, LinkKind] => [kind.name, kind])),
);

/** The path between the two ends in the address. */
export const path = follow(
  computed(() => {
    const { path: ends, hide } = where.value;
    return ends.length === 2 ? JSON.stringify([ends, hide]) : null;
  }),
  (text, signal) => {
    const [[from, to], hide] = JSON.parse(text) as [[string, string], string[]];
    return api.path(from, to, hide, signal);
  },
  { forget: true },
).answer;

/** Whether the server answers, and the version of the graph that it last told. */
export const server = signal({ gone: false, version: 0 });

/** Ask for the version now and then; what changed is asked again, without moving anything. */
export function watchVersion(milliseconds = 5000): void {
  const tick = async (): Promise<void> => {
    const before = server.peek();
    try {
      const { version } = await api.version();
      server.value = { gone: false, version };
      const changed = before.version !== 0 && version !== before.version;
      if (before.gone || changed) fresh.value += 1;
    } catch {
      server.value = { ...before, gone: true };
    }
    setTimeout(tick, server.peek().gone ? 2000 : milliseconds);
  };
  void tick();
}
