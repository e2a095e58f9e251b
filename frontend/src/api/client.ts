/** Questions to the server that sent the page, and to no other. */

import type {
  Classes,
  Comparison,
  GraphMap,
  Kinds,
  NamedView,
  NeighbourGroup,
  NodeBrief,
  NodeDetail,
  Origin,
  Path,
  Places,
  Run,
  Version,
  View,
} from "./types";

/** An answer that is not the one asked for. `status` is 0 where the server did not answer at all. */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    message: string,
  ) {
    super(message);
  }

  get gone(): boolean {
    return this.status === 0;
  }
}

export type Pairs = readonly (readonly [string, string | number | null | undefined])[];

/** A path of the API with its question; null and empty values are left out. */
export function address(path: string, pairs: Pairs = []): string {
  const search = new URLSearchParams();
  for (const [name, value] of pairs) {
    if (value !== null && value !== undefined && value !== "") search.append(name, String(value));
  }
  const text = search.toString();
  return `/api/${path}${text && `?${text}`}`;
}

async function ask<Answer>(url: string, init: RequestInit): Promise<Answer> {
  let response: Response;
  try {
    response = await fetch(url, init);
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") throw error;
    throw new ApiError(0, "The server does not answer. Is `tutelage explore` still running?");
  }
  const body: unknown = await response.json().catch(() => null);
  if (response.ok) return body as Answer;
  throw new ApiError(response.status, message(body) ?? `The server answered ${response.status}.`);
}

function message(body: unknown): string | null {
  if (typeof body !== "object" || body === null || !("error" in body)) return null;
  return typeof body.error === "string" ? body.error : null;
}

function get<Answer>(path: string, pairs: Pairs = [], signal?: AbortSignal): Promise<Answer> {
  return ask<Answer>(address(path, pairs), signal ? { signal } : {});
}

function send<Answer>(method: "POST" | "DELETE", url: string, body?: unknown): Promise<Answer> {
  return ask<Answer>(url, {
    method,
    headers: { "Content-Type": "application/json" },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
}

const hidden = (kinds: readonly string[]): Pairs => kinds.map((kind) => ["hide", kind] as const);

export const api = {
  version: (signal?: AbortSignal) => get<Version>("version", [], signal),
  kinds: () => get<Kinds>("kinds"),
  origins: (signal?: AbortSignal) => get<Origin[]>("origins", [], signal),

  search: (q: string, kinds: readonly string[], limit: number, signal?: AbortSignal) =>
    get<{ nodes: NodeBrief[] }>(
      "search",
      [["q", q], ...kinds.map((kind) => ["kind", kind] as const), ["limit", limit]],
      signal,
    ),

  /** @param query the normal form of a query, as `queryText` writes it */
  view: (query: string, signal?: AbortSignal) =>
    ask<View>(`/api/view${query && `?${query}`}`, signal ? { signal } : {}),

  node: (key: string, signal?: AbortSignal) => get<NodeDetail>("node", [["key", key]], signal),

  neighbours: (
    question: { key: string; hide: readonly string[]; within: string; limit: number; offset: number },
    signal?: AbortSignal,
  ) =>
    get<{ groups: NeighbourGroup[] }>(
      "neighbours",
      [
        ["key", question.key],
        ...hidden(question.hide),
        ["within", question.within],
        ["limit", question.limit],
        ["offset", question.offset],
      ],
      signal,
    ),

  path: (from: string, to: string, hide: readonly string[], signal?: AbortSignal) =>
    get<Path>("path", [["from", from], ["to", to], ...hidden(hide)], signal),

  map: (limit: number, signal?: AbortSignal) => get<GraphMap>("map", [["limit", limit]], signal),
  run: (key: string, signal?: AbortSignal) => get<Run>("run", [["key", key]], signal),

  compare: (runs: readonly string[], signal?: AbortSignal) =>
    get<Comparison>("compare", runs.map((run) => ["run", run] as const), signal),

  classes: (run: string, limit: number, signal?: AbortSignal) =>
    get<Classes>("classes", [["run", run], ["limit", limit]], signal),

  views: (signal?: AbortSignal) => get<NamedView[]>("views", [], signal),
  saveView: (name: string, query: string) => send<unknown>("POST", "/api/views", { name, query }),
  removeView: (name: string) => send<unknown>("DELETE", address("views", [["name", name]])),
  keepPlaces: (scene: string, places: Places) =>
    send<unknown>("POST", "/api/places", { scene, places }),
};
