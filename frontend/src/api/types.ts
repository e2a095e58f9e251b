/** The answers of the server, as its OpenAPI file describes them. */

import type { Config, Evaluation, Result, Row } from "./record";

export type Kind = "work" | "person" | "topic" | "method" | "model" | "data" | "run";

export type Facts = Readonly<Record<string, unknown>>;

export interface NodeKind {
  name: Kind;
  letter: string;
  singular: string;
  plural: string;
}

export interface LinkKind {
  name: string;
  label: string;
  source: Kind;
  target: Kind;
  directed: boolean;
  derived: boolean;
  projection: boolean;
  rule: string;
}

export interface Kinds {
  nodes: NodeKind[];
  links: LinkKind[];
}

export interface Origin {
  key: string;
  label: string;
  nodes: number;
  links: number;
}

/** A node in a list. `sub` is the line beneath its name. */
export interface NodeBrief {
  key: string;
  kind: Kind;
  label: string;
  sub: string;
  year: number | null;
}

/** A node of a view; `x` and `y` in units of the usual distance between linked nodes, y upwards. */
export interface SeenNode extends NodeBrief {
  signal: number;
  links: number;
  x: number;
  y: number;
  community: number;
  /** How many neighbours along each kind of link are not shown. */
  more: Readonly<Record<string, number>>;
}

export interface Link {
  source: string;
  target: string;
  kind: string;
  label: string;
  reason: string;
}

export interface SeenLink extends Link {
  weight: number;
  derived: boolean;
}

export interface Counts {
  nodes: number;
  total_nodes: number;
  links: number;
  overview_links: number;
  nodes_by_kind: Readonly<Record<string, number>>;
  links_by_kind: Readonly<Record<string, number>>;
  years: Readonly<Record<string, number>>;
}

export interface View {
  version: number;
  query: string;
  title: string;
  nodes: SeenNode[];
  links: SeenLink[];
  counts: Counts;
  truncated: boolean;
  unplaced: string[];
  scene: string;
}

export interface NodeDetail extends NodeBrief {
  facts: Facts;
  origins: string[];
  open: string | null;
  bibtex: string | null;
  related: NodeBrief[];
}

export interface Neighbour extends NodeBrief {
  reason: string;
}

/** Neighbours along one kind of link; `outward` where the links begin at the node asked for. */
export interface NeighbourGroup {
  kind: string;
  label: string;
  outward: boolean;
  total: number;
  nodes: Neighbour[];
}

export interface Path {
  nodes: NodeBrief[];
  links: Link[];
}

/** Everything at once, as columns. `kinds` and `link_kinds` are positions in `Kinds`. */
export interface GraphMap {
  keys: string[];
  labels: string[];
  kinds: number[];
  x: number[];
  y: number[];
  community: number[];
  size: number[];
  source: number[];
  target: number[];
  link_kinds: number[];
  truncated: boolean;
}

export interface Run {
  run: Facts;
  config: Config;
  rows: Row[];
  evaluations: Evaluation[];
  result: Result | null;
  command: string;
}

export interface Comparison {
  runs: Run[];
  differences: Difference[];
  measures: Difference[];
}

/** A setting or a measure with its value in each run. */
export interface Difference {
  name: string;
  values: unknown[];
}

export interface ClassLink {
  source: number;
  target: number;
  probability: number;
}

/** A run's classes as nodes, the mean probability of a wrong class as links. */
export interface Classes {
  classes: { name: string; count: number }[];
  teacher: ClassLink[];
  student: ClassLink[];
  learned: unknown;
}

export interface NamedView {
  name: string;
  query: string;
  saved: string;
}

export interface Version {
  version: number;
  toolkit: string;
}

export type Places = Readonly<Record<string, readonly [number, number]>>;
