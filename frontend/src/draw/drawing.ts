/** What the stage draws, made from a view or from the map of everything. */

import type { GraphMap, Kind, Kinds, SeenLink, View } from "../api/types";

export interface DrawnNode {
  key: string;
  kind: Kind;
  label: string;
  sub: string;
  x: number;
  y: number;
  /** Radius in pixels where everything is in sight. */
  radius: number;
  weight: number;
  community: number;
}

export interface DrawnLink {
  source: string;
  target: string;
  kind: string;
  label: string;
  reason: string;
  directed: boolean;
  derived: boolean;
  projection: boolean;
}

export interface Drawing {
  /** What decides where nodes stand: while it stays, the camera does. */
  scene: string;
  nodes: readonly DrawnNode[];
  links: readonly DrawnLink[];
  /** Points and hairlines, for more than a view can hold. */
  map: boolean;
  /** The hairlines: places in `nodes`. */
  hairs: { source: readonly number[]; target: readonly number[] };
}

export const NO_HAIRS: Drawing["hairs"] = { source: [], target: [] };

/** The radius of a node of a signal among `count`. */
function radius(count: number, signal: number): number {
  if (count <= 30) return 16 + 0.7 * signal;
  if (count <= 120) return 9 + 0.8 * signal;
  return count <= 500 ? 5 + 0.7 * signal : 3 + 0.6 * signal;
}

export function drawView(view: View, kinds: Kinds | null): Drawing {
  const known = new Map((kinds?.links ?? []).map((kind) => [kind.name, kind]));
  const drawn = (link: SeenLink): DrawnLink => ({
    ...link,
    directed: known.get(link.kind)?.directed ?? false,
    projection: known.get(link.kind)?.projection ?? false,
  });
  return {
    scene: view.scene,
    nodes: view.nodes.map((node) => ({
      ...node,
      radius: radius(view.nodes.length, node.signal),
      weight: node.signal * 1000 + node.links,
    })),
    links: view.links.map(drawn),
    map: false,
    hairs: NO_HAIRS,
  };
}

export function drawMap(map: GraphMap, kinds: Kinds): Drawing {
  const most = map.size.reduce((most, size) => Math.max(most, size), 1);
  const fine = Math.min(1, 60 / Math.sqrt(map.keys.length)); // so that many points leave gaps
  const [least, more] = [Math.max(0.6, 1.4 * fine), 6 * Math.max(0.4, fine)];
  const nodes = map.keys.map((key, index): DrawnNode => {
    const share = Math.sqrt(Math.max(0, map.size[index]!) / most);
    return {
      key,
      kind: kinds.nodes[map.kinds[index]!]?.name ?? "work",
      label: map.labels[index]!,
      sub: "",
      x: map.x[index]!,
      y: map.y[index]!,
      radius: least + more * share,
      weight: share,
      community: map.community[index]!,
    };
  });
  return { scene: "map", nodes, links: [], map: true, hairs: { source: map.source, target: map.target } };
}
