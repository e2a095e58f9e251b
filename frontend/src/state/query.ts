/** The whole view as text in the page's address: what the server is asked, and what only the page knows. */

export type Layout = "force" | "layered" | "timeline";

/** What the server is asked; the same fields and defaults as `tutelage.graph.query.Query`. */
export interface Query {
  at: readonly string[];
  within: string;
  depth: number;
  open: readonly string[];
  fold: readonly string[];
  hide: readonly string[];
  since: number | null;
  until: number | null;
  topic: string;
  method: string;
  accuracy: number | null;
  layout: Layout;
  links: "full" | "overview";
  limit: number;
}

/** Where the camera stands: the centre in units of the graph, and units per pixel. */
export interface Camera {
  x: number;
  y: number;
  unit: number;
}

/** What only the page knows. */
export interface Look {
  /** The key of the node that is picked. */
  pick: string;
  /** The two keys that a path joins; one while the second is still to be picked. */
  path: readonly string[];
  /** The keys of the runs that are compared. */
  compare: readonly string[];
  /** What lies open beneath the canvas. */
  sheet: "" | "run" | "classes" | "compare";
  /** The text in the search field. */
  q: string;
  colour: "kind" | "community";
  map: boolean;
  camera: Camera | null;
}

export interface Where extends Query, Look {}

/** What opens first. */
export const REFERENCE = "shipped:dkd";

export const USUAL: Where = {
  at: [],
  within: "",
  depth: 1,
  open: [],
  fold: [],
  hide: [],
  since: null,
  until: null,
  topic: "",
  method: "",
  accuracy: null,
  layout: "force",
  links: "full",
  limit: 200,
  pick: "",
  path: [],
  compare: [],
  sheet: "",
  q: "",
  colour: "kind",
  map: false,
  camera: null,
};

const LISTS = ["at", "open", "fold", "hide"] as const;
const NUMBERS = ["depth", "since", "until", "accuracy", "limit"] as const;

function number(text: string | null): number | null {
  if (text === null || text.trim() === "") return null;
  const value = Number(text);
  return Number.isFinite(value) ? value : null;
}

function camera(text: string | null): Camera | null {
  const [x, y, unit, ...rest] = (text ?? "").split(",").map(number);
  if (x == null || y == null || unit == null || unit <= 0 || rest.length) return null;
  return { x, y, unit };
}

/** Read an address. What does not fit is as usual: the server says what is wrong with a question. */
export function readWhere(search: string): Where {
  const pairs = new URLSearchParams(search);
  if ([...pairs.keys()].length === 0) return { ...USUAL, within: REFERENCE };
  const one = (name: string): string => pairs.get(name) ?? "";
  const choice = <Value extends string>(name: string, usual: Value, ...others: Value[]): Value =>
    others.find((value) => value === one(name)) ?? usual;
  return {
    ...USUAL,
    ...Object.fromEntries(LISTS.map((name) => [name, pairs.getAll(name)])),
    ...Object.fromEntries(NUMBERS.map((name) => [name, number(pairs.get(name)) ?? USUAL[name]])),
    within: one("within"),
    topic: one("topic"),
    method: one("method"),
    layout: choice<Layout>("layout", "force", "layered", "timeline"),
    links: choice<"full" | "overview">("links", "full", "overview"),
    pick: one("pick"),
    path: pairs.getAll("path").slice(0, 2),
    compare: pairs.getAll("compare"),
    sheet: choice<Look["sheet"]>("sheet", "", "run", "classes", "compare"),
    q: one("q"),
    colour: choice<Look["colour"]>("colour", "kind", "community"),
    map: pairs.get("map") === "1",
    camera: camera(pairs.get("camera")),
  };
}

const QUERY: readonly (keyof Query)[] = [
  "at", "within", "depth", "open", "fold", "hide", "since", "until",
  "topic", "method", "accuracy", "layout", "links", "limit",
]; // prettier-ignore

function write(where: Where, names: readonly (keyof Where)[]): URLSearchParams {
  const pairs = new URLSearchParams();
  for (const name of names) {
    const value = where[name];
    if (Array.isArray(value)) for (const each of value) pairs.append(name, each);
    else if (value !== USUAL[name]) pairs.append(name, String(value));
  }
  return pairs;
}

/** The question for the server, without what is as usual. */
export function queryText(where: Where): string {
  return write(where, QUERY).toString();
}

/** The whole address; everything that the graph holds is `?within=`, since none at all is the reference case. */
export function whereText(where: Where): string {
  const pairs = write(where, [...QUERY, "pick", "path", "compare", "sheet", "q", "colour"]);
  if (where.map) pairs.set("map", "1");
  if (where.camera) {
    const { x, y, unit } = where.camera;
    pairs.set("camera", [x, y, unit].map((value) => Number(value.toPrecision(4))).join(","));
  }
  return pairs.toString() || "within=";
}

const without = (keys: readonly string[], key: string): string[] => keys.filter((each) => each !== key);

/** Show the next neighbours of a node, or those that were folded away. */
export function expanded(query: Query, key: string): Partial<Query> {
  if (query.fold.includes(key)) return { fold: without(query.fold, key) };
  return { open: [...query.open, key] };
}

/** Take away what expanding a node brought, or else what hangs on it alone. */
export function folded(query: Query, key: string): Partial<Query> {
  if (query.open.includes(key)) return { open: without(query.open, key) };
  return query.fold.includes(key) ? {} : { fold: [...query.fold, key] };
}

/** Hide or show a kind of node or link. */
export function toggled(query: Query, kind: string): Partial<Query> {
  return { hide: query.hide.includes(kind) ? without(query.hide, kind) : [...query.hide, kind] };
}
