/** A small view to try things on, as the server would answer it. */

import type { Kinds, NodeDetail, SeenNode, View } from "../src/api/types";

const node = (key: string, kind: SeenNode["kind"], label: string, x: number, y: number, rest: Partial<SeenNode> = {}): SeenNode => ({
  key, kind, label, x, y, sub: kind === "work" ? "preprint / 2022" : "Researcher", year: kind === "work" ? 2022 : null,
  signal: kind === "work" ? 10 : 5, links: kind === "work" ? 2 : 2, community: 0, more: {}, ...rest,
}); // prettier-ignore

export const KINDS: Kinds = {
  nodes: [
    { name: "work", letter: "W", singular: "Paper", plural: "Papers" },
    { name: "person", letter: "A", singular: "Researcher", plural: "Researchers" },
    { name: "topic", letter: "T", singular: "Topic", plural: "Topics" },
  ],
  links: [
    { name: "authorship", label: "Authorship", source: "person", target: "work", directed: true, derived: false, projection: false, rule: "Listed as an author." },
    { name: "co_authorship", label: "Co-authorship", source: "person", target: "person", directed: false, derived: true, projection: true, rule: "A paper together." },
  ],
}; // prettier-ignore

export const VIEW: View = {
  version: 1,
  query: "within=shipped%3Adkd",
  title: "A paper",
  scene: "within=shipped%3Adkd&layout=force",
  nodes: [
    node("w", "work", "A paper", 0, 0, { more: { topic_signal: 1200 } }),
    node("a", "person", "Ada", -1, 0.2),
    node("b", "person", "Bob", 1, 0.1),
  ],
  links: [
    { source: "a", target: "w", kind: "authorship", label: "Authorship", reason: "author 1 of 2", weight: 1, derived: false },
    { source: "b", target: "w", kind: "authorship", label: "Authorship", reason: "author 2 of 2", weight: 1, derived: false },
    { source: "a", target: "b", kind: "co_authorship", label: "Co-authorship", reason: "1 paper together", weight: 1, derived: true },
  ],
  counts: {
    nodes: 3, total_nodes: 1203, links: 3, overview_links: 2,
    nodes_by_kind: { work: 1, person: 2 }, links_by_kind: { authorship: 2, co_authorship: 1 }, years: { "2022": 1 },
  },
  truncated: false,
  unplaced: ["a", "b"],
}; // prettier-ignore

export const DETAIL: NodeDetail = {
  key: "w", kind: "work", label: "A paper", sub: "preprint / 2022", year: 2022,
  facts: { abstract: "What it is about.", venue: "CVPR", arxiv: "2203.08679", ids: ["arxiv:2203.08679"] },
  origins: ["shipped:dkd"], open: "https://arxiv.org/abs/2203.08679", bibtex: "@misc{a}", related: [],
}; // prettier-ignore
