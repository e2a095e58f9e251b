/** Graphs to draw without a server: the reference case, and synthetic ones of any size. */

const link = (name, label, source, target, { directed = true, derived = false, projection = false } = {}) =>
  ({ name, label, source, target, directed, derived, projection, rule: `How ${label} comes about.` });

export const KINDS = {
  nodes: [
    ["work", "W", "Paper", "Papers"], ["person", "A", "Researcher", "Researchers"],
    ["topic", "T", "Topic", "Topics"], ["method", "M", "Method", "Methods"],
    ["model", "D", "Model", "Models"], ["data", "S", "Data set", "Data sets"], ["run", "R", "Run", "Runs"],
  ].map(([name, letter, singular, plural]) => ({ name, letter, singular, plural })),
  links: [
    link("authorship", "Authorship", "person", "work"),
    link("topic_signal", "Topic signal", "work", "topic"),
    link("cites", "Cites", "work", "work"),
    link("co_authorship", "Co-authorship", "person", "person", { directed: false, derived: true, projection: true }),
    link("works_on", "Works on", "person", "topic", { derived: true }),
    link("related_context", "Related context", "topic", "topic", { directed: false, derived: true }),
    link("describes", "Describes", "work", "method"),
    link("builds_on", "Builds on", "method", "method"),
    link("teaches", "Teaches", "model", "run"),
    link("uses", "Uses", "run", "method"),
    link("trains_on", "Trains on", "run", "data"),
    link("produces", "Produces", "run", "model"),
    link("taught", "Taught", "model", "model", { derived: true, projection: true }),
  ],
};

const labels = Object.fromEntries(KINDS.links.map((kind) => [kind.name, kind.label]));
const projections = new Set(KINDS.links.filter((kind) => kind.projection).map((kind) => kind.name));
const derived = new Set(KINDS.links.filter((kind) => kind.derived).map((kind) => kind.name));

/** Numbers from 0 to 1 that are the same every time. */
function numbers(seed) {
  return () => {
    seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
    return seed / 2 ** 32;
  };
}

const PEOPLE = ["Borui Zhao", "Quan Cui", "Renjie Song", "Yiyu Qiu", "Jiajun Liang"];
const ABSTRACT =
  "State-of-the-art distillation methods are mostly based on distilling deep features from intermediate layers, " +
  "while the significance of logit distillation is greatly overlooked. (A stand-in for the abstract, as long as one: " +
  "the real text comes from the shipped literature, and this is what the page has to find room for.)";

export function reference() {
  const node = (key, kind, label, sub, signal, x, y, year = null) =>
    ({ key, kind, label, sub, year, signal, links: 0, x, y, community: kind === "topic" ? 1 : 0, more: {} });
  const nodes = [
    node("doi:10.1109/cvpr52688.2022.01165", "work", "Decoupled Knowledge Distillation", "preprint / 2022", 10, 0, 0, 2022),
    ...PEOPLE.map((name, i) => node(`person:${i}`, "person", name, "Researcher", 5,
      1.15 * Math.cos(2.2 + i * 0.72), 1.15 * Math.sin(2.2 + i * 0.72))),
    node("topic:cs.AI", "topic", "Artificial Intelligence", "22,915 works", 5, 1.05, 0.62),
    node("topic:cs.CV", "topic", "Computer Vision", "30,606 works", 4, 1.1, -0.55),
  ];
  const [work, a, b, c, d, e, ai, cv] = nodes.map((each) => each.key);
  const links = [];
  const join = (source, target, kind, weight, reason) =>
    links.push({ source, target, kind, label: labels[kind], weight, derived: derived.has(kind), reason });
  [a, b, c, d, e].forEach((person, i) => join(person, work, "authorship", 1, `author ${i + 1} of 5`));
  [a, b, c, d, e].forEach((one, i, all) =>
    all.slice(i + 1).forEach((other) => join(one, other, "co_authorship", 0.25, "1 paper together")));
  join(work, ai, "topic_signal", 1, "assigned by the paper's source");
  join(work, cv, "topic_signal", 1, "assigned by the paper's source");
  join(a, cv, "works_on", 1, "stated by the source");
  join(ai, cv, "related_context", 1, "both on 1 work; 1.0 times chance");
  return finish({ title: "Decoupled Knowledge Distillation", nodes, links });
}

export function synthetic(count, seed = 7) {
  const random = numbers(seed);
  const share = ["work", "work", "work", "person", "person", "person", "person", "topic", "method", "model", "data", "run"];
  const words = ["distilled", "knowledge", "feature", "logit", "relation", "teacher", "student", "vision", "language", "contrastive", "attention", "decoupled"];
  const word = () => words[Math.floor(random() * words.length)];
  const clusters = Math.max(3, Math.round(Math.sqrt(count) / 3));
  const nodes = Array.from({ length: count }, (_, i) => {
    const community = Math.floor(random() ** 1.6 * clusters);
    const angle = community * 2.4;
    const away = Math.sqrt(community) * Math.sqrt(count / clusters) * 0.7;
    const spread = Math.sqrt(count / clusters) * 0.36;
    const gauss = () => (random() + random() + random() - 1.5) * 1.6;
    const kind = share[Math.floor(random() * share.length)];
    const label = kind === "person" ? `${word()[0].toUpperCase()}. ${word()}son` : `${word()} ${word()} ${word()}`;
    return {
      key: `${kind}:${i}`, kind, label: label[0].toUpperCase() + label.slice(1),
      sub: kind === "work" ? `article / ${2012 + Math.floor(random() * 14)}` : KINDS.nodes.find((k) => k.name === kind).singular,
      year: kind === "work" || kind === "run" ? 2012 + Math.floor(random() ** 0.6 * 14) : null,
      signal: 0, links: 0, community,
      x: Math.cos(angle) * away + gauss() * spread, y: Math.sin(angle) * away + gauss() * spread, more: {},
    };
  });
  const byCluster = Map.groupBy ? Map.groupBy(nodes, (n) => n.community) : nodes.reduce(
    (groups, n) => groups.set(n.community, [...(groups.get(n.community) ?? []), n]), new Map());
  const links = [];
  const taken = new Set();
  for (let i = 0; i < count * 1.6; i++) {
    const from = nodes[Math.floor(random() * count)];
    const group = random() < 0.9 ? byCluster.get(from.community) : nodes;
    const to = group[Math.floor(random() ** 2.5 * group.length)];
    const fits = KINDS.links.filter((kind) => (kind.source === from.kind && kind.target === to.kind));
    const kind = fits[0];
    if (!kind || from === to || taken.has(from.key + to.key)) continue;
    taken.add(from.key + to.key);
    links.push({ source: from.key, target: to.key, kind: kind.name, label: kind.label, weight: 1,
      derived: kind.derived, reason: "as the source says" });
  }
  const graph = finish({ title: `${count} nodes of no meaning`, nodes, links });
  const most = Math.max(...nodes.map((n) => n.links));
  for (const n of nodes) n.signal = Math.round(10 * Math.sqrt(n.links / most));
  return graph;
}

function finish(graph) {
  const byKey = new Map(graph.nodes.map((node) => [node.key, node]));
  for (const { source, target } of graph.links) {
    byKey.get(source).links += 1;
    byKey.get(target).links += 1;
  }
  return { ...graph, byKey };
}

const count = (values) => values.reduce((counts, value) => ({ ...counts, [value]: (counts[value] ?? 0) + 1 }), {});
const brief = ({ key, kind, label, sub, year }) => ({ key, kind, label, sub, year });

function view(graph, pairs) {
  const hide = new Set(pairs.getAll("hide"));
  const [since, until] = ["since", "until"].map((name) => (pairs.get(name) ? Number(pairs.get(name)) : null));
  const nodes = graph.nodes.filter((node) => !hide.has(node.kind)
    && (node.year === null || ((since ?? 0) <= node.year && node.year <= (until ?? 9999))))
    .slice(0, Number(pairs.get("limit") ?? 2000));
  const keys = new Set(nodes.map((node) => node.key));
  const links = graph.links.filter((l) => !hide.has(l.kind) && keys.has(l.source) && keys.has(l.target)
    && (pairs.get("links") !== "overview" || !projections.has(l.kind)));
  return {
    version: 1, query: pairs.toString(), title: graph.title, nodes, links,
    counts: {
      nodes: nodes.length, total_nodes: graph.nodes.length, links: links.length,
      overview_links: links.filter((l) => !projections.has(l.kind)).length,
      nodes_by_kind: count(graph.nodes.map((n) => n.kind)), links_by_kind: count(graph.links.map((l) => l.kind)),
      years: count(graph.nodes.map((n) => n.year).filter((year) => year !== null)),
    },
    truncated: nodes.length < graph.nodes.length, unplaced: [], scene: `within=${pairs.get("within") ?? ""}&layout=force`,
  };
}

function neighbours(graph, pairs) {
  const key = pairs.get("key");
  const [limit, offset] = [Number(pairs.get("limit") ?? 50), Number(pairs.get("offset") ?? 0)];
  const groups = new Map();
  for (const l of graph.links) {
    if (l.source !== key && l.target !== key) continue;
    const outward = l.source === key;
    const name = `${l.kind} ${outward}`;
    if (!groups.has(name)) groups.set(name, { kind: l.kind, label: l.label, outward, all: [] });
    groups.get(name).all.push({ ...brief(graph.byKey.get(outward ? l.target : l.source)), reason: l.reason });
  }
  return { groups: [...groups.values()].map(({ all, ...group }) =>
    ({ ...group, total: all.length, nodes: all.slice(offset, offset + limit) })) };
}

function path(graph, from, to) {
  const before = new Map([[from, null]]);
  for (const key of before.keys()) {
    if (key === to) break;
    for (const l of graph.links) {
      const other = l.source === key ? l.target : l.target === key ? l.source : null;
      if (other && !before.has(other)) before.set(other, l);
    }
  }
  if (!before.has(to)) return { nodes: [], links: [] };
  const nodes = [];
  const links = [];
  for (let key = to; key; ) {
    nodes.unshift(brief(graph.byKey.get(key)));
    const l = before.get(key);
    if (l) links.unshift(l);
    key = l && (l.source === key ? l.target : l.source);
  }
  return { nodes, links };
}

function map(graph) {
  const at = new Map(graph.nodes.map((node, index) => [node.key, index]));
  const column = (name) => graph.nodes.map((node) => node[name]);
  return {
    keys: column("key"), labels: column("label"), kinds: graph.nodes.map((n) => KINDS.nodes.findIndex((k) => k.name === n.kind)),
    x: column("x"), y: column("y"), community: column("community"), size: column("links"),
    source: graph.links.map((l) => at.get(l.source)), target: graph.links.map((l) => at.get(l.target)),
    link_kinds: graph.links.map((l) => KINDS.links.findIndex((k) => k.name === l.kind)), truncated: false,
  };
}

/** What the server would answer: a status and a body. */
export function answer(graph, url, method = "GET") {
  const { pathname, searchParams: pairs } = new URL(url, "http://x");
  const ok = (body) => ({ status: 200, body });
  const found = graph.byKey.get(pairs.get("key"));
  switch (method === "GET" ? pathname : "") {
    case "/api/version": return ok({ version: 1, toolkit: "0.1.0" });
    case "/api/kinds": return ok(KINDS);
    case "/api/origins": return ok([{ key: "shipped:dkd", label: "The reference case", nodes: 8, links: 19 },
      { key: "shipped:methods", label: "The methods' papers", nodes: 214, links: 402 }]);
    case "/api/search": {
      const q = pairs.get("q").toLowerCase();
      const wanted = pairs.getAll("kind");
      return ok({ nodes: graph.nodes.filter((n) => n.label.toLowerCase().includes(q)
        && (!wanted.length || wanted.includes(n.kind))).slice(0, Number(pairs.get("limit") ?? 20)).map(brief) });
    }
    case "/api/view": return ok(view(graph, pairs));
    case "/api/node":
      return found ? ok({ ...brief(found),
        facts: found.kind === "work" ? { abstract: ABSTRACT, type: "preprint", venue: "CVPR", doi: "10.1109/cvpr52688.2022.01165", arxiv: "2203.08679", cited_by: 1234 } : { works_count: 22915 },
        origins: ["shipped:dkd"], open: found.kind === "work" ? "https://arxiv.org/abs/2203.08679" : null, bibtex: null, related: [] })
        : { status: 404, body: { error: `nothing has the key '${pairs.get("key")}'.` } };
    case "/api/neighbours": return ok(neighbours(graph, pairs));
    case "/api/path": return ok(path(graph, pairs.get("from"), pairs.get("to")));
    case "/api/map": return ok(map(graph));
    case "/api/views": return ok([]);
    default: return method === "GET" ? { status: 404, body: { error: "no such question." } } : ok({});
  }
}
