/** The page without a canvas, on answers of a made-up server. */

import { render } from "preact";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { View } from "../src/api/types";
import { DETAIL, KINDS, VIEW } from "./graph";

const asked: string[] = [];
let view: View = VIEW;
let stopped = 0;

const answers: Readonly<Record<string, (pairs: URLSearchParams) => unknown>> = {
  "/api/kinds": () => KINDS,
  "/api/origins": () => [{ key: "shipped:dkd", label: "The reference", nodes: 8, links: 8 }],
  "/api/view": () => view,
  "/api/node": (pairs) => ({ ...DETAIL, key: pairs.get("key"), ...(pairs.get("key") === "a" ? { kind: "person", label: "Ada", open: "javascript:alert(1)" } : {}) }),
  "/api/neighbours": (pairs) => ({
    groups: [{
      kind: "authorship", label: "Authorship", outward: false, total: 25,
      nodes: Array.from({ length: pairs.get("offset") === "0" ? 20 : 5 }, (_, index) => {
        const number = index + Number(pairs.get("offset"));
        return { key: number === 0 ? "a" : `p${number}`, kind: "person", label: number === 0 ? "Ada" : `Person ${number}`, sub: "", year: null, reason: `author ${number + 1} of 25` };
      }),
    }],
  }),
  "/api/search": () => ({ nodes: [{ key: "found", kind: "person", label: "Found", sub: "Researcher", year: null }] }),
  "/api/places": () => ({}),
}; // prettier-ignore

/** The page's modules read the address as they are loaded: each test loads them anew. */
async function open(address: string): Promise<void> {
  vi.resetModules();
  history.replaceState(null, "", address);
  const { Page } = await import("../src/page/page");
  const { render } = await import("preact");
  document.body.innerHTML = '<div id="page"></div>';
  render(<Page />, document.getElementById("page")!);
  await settled();
}

const settled = async (): Promise<void> => {
  for (let turn = 0; turn < 8; turn += 1) await new Promise((done) => setTimeout(done, 4));
};
const region = (name: string): HTMLElement => document.querySelector<HTMLElement>(`section[aria-label="${name}"]`)!;
const button = (name: string, within: ParentNode = document): HTMLButtonElement | undefined =>
  [...within.querySelectorAll("button")].find((each) => each.textContent?.trim().startsWith(name));
const press = async (key: string, on: EventTarget = document): Promise<void> => {
  on.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true }));
  await settled();
};
const here = (): URLSearchParams => new URLSearchParams(location.search);

beforeEach(() => {
  asked.length = 0;
  view = VIEW;
  stopped = 0;
  vi.stubGlobal("fetch", async (url: string, init?: RequestInit) => {
    const { pathname, searchParams } = new URL(url, "http://x");
    asked.push(`${init?.method ?? "GET"} ${url} ${String(init?.body ?? "")}`.trim());
    if (stopped) return new Response(JSON.stringify({ error: "A view has no such thing." }), { status: stopped });
    return new Response(JSON.stringify(answers[pathname]?.(searchParams) ?? {}));
  });
});
afterEach(() => {
  const root = document.getElementById("page");
  if (root) render(null, root);
});

describe("the page", () => {
  it("names the view, counts it, and tells of the node in its middle", async () => {
    await open("/");
    expect(document.querySelector("h1")!.textContent).toBe("Graph explorer");
    expect(document.querySelector("#caption")!.textContent).toBe("3 visible / 1,203 total nodes / 3 links");
    expect(region("Overview").textContent).toContain("3 nodes / 2 links");
    const details = region("Details");
    for (const text of ["Paper", "Signal 10", "2 links", "A paper", "preprint / 2022"]) expect(details.textContent).toContain(text);
    expect(details.textContent).toContain("2 of 1,202 neighbours shown");
    expect(details.querySelector('a[rel="noopener noreferrer"]')!.getAttribute("href")).toBe(DETAIL.open);
    expect(document.querySelector('[role="application"]')!.getAttribute("aria-label")).toBe("Graph");
  });

  it("draws on the server where the browser cannot", async () => {
    await open("/?within=shipped:dkd&hide=topic");
    expect(document.querySelector("img")!.getAttribute("src")).toBe("/api/picture?within=shipped%3Adkd&hide=topic");
  });

  it("keeps the places of new nodes, once", async () => {
    await open("/");
    const kept = asked.filter((each) => each.startsWith("POST /api/places"));
    expect(kept).toHaveLength(1);
    expect(JSON.parse(kept[0]!.split(" ")[2]!.concat(kept[0]!.split(" ").slice(3).join(" ")))).toEqual({ scene: VIEW.scene, places: { a: [-1, 0.2], b: [1, 0.1] } });
  });

  it("puts what is filtered into the address, and into the question", async () => {
    await open("/");
    region("Filters").querySelectorAll<HTMLInputElement>(".toggle input")[1]!.click();
    await settled();
    expect(here().getAll("hide")).toEqual(["person"]);
    expect(asked.some((each) => each.startsWith("GET /api/view") && each.includes("hide=person"))).toBe(true);
    button("Clear filters")!.click();
    await settled();
    expect(here().has("hide")).toBe(false);
  });

  it("says that filters hide everything", async () => {
    view = { ...VIEW, nodes: [], links: [], unplaced: [] };
    await open("/?within=x&hide=work");
    expect(document.body.textContent).toContain("The filters hide everything");
  });

  it("tells an error, and asks again", async () => {
    stopped = 400;
    await open("/?layout=layered");
    expect(document.querySelector(".state")!.textContent).toContain("A view has no such thing.");
    stopped = 0;
    button("Try again", document.querySelector(".state")!)!.click();
    await settled();
    expect(document.querySelector("#caption")!.textContent).toContain("3 visible");
  });

  it("follows no link that is not of the web", async () => {
    await open("/?pick=a");
    expect(region("Details").textContent).toContain("Ada");
    expect(document.querySelector('[href^="javascript"]')).toBeNull();
  });
});

describe("the list of neighbours", () => {
  it("shows reasons and totals, and more of them", async () => {
    await open("/");
    const list = region("Neighbours");
    expect(list.textContent).toContain("author 1 of 25");
    expect(list.textContent).toContain("20 of 25");
    button("5 more", list)!.click();
    await settled();
    expect(list.querySelectorAll(".group li")).toHaveLength(25);
  });

  it("picks on the graph, and goes on from its head", async () => {
    await open("/");
    region("Neighbours").querySelector<HTMLButtonElement>(".neighbour")!.click();
    await settled();
    expect(here().get("pick")).toBe("a");
    expect(document.activeElement).toBe(region("Neighbours").querySelector("h2"));
  });
});

describe("keys", () => {
  it("walk on the graph", async () => {
    await open("/");
    await press("ArrowLeft", document.querySelector('[role="application"]')!);
    expect(here().get("pick")).toBe("a");
    await press("ArrowRight", document.querySelector('[role="application"]')!);
    expect(here().get("pick")).toBe("w");
  });

  it("expand, fold, begin a path and leave it", async () => {
    await open("/");
    await press("e");
    expect(here().getAll("open")).toEqual(["w"]);
    await press("f");
    expect(here().has("open")).toBe(false);
    await press("p");
    expect(here().getAll("path")).toEqual(["w"]);
    expect(document.body.textContent).toContain("pick the other end");
    await press("Escape");
    expect(here().has("path")).toBe(false);
  });

  it("search, and do nothing else while one types", async () => {
    await open("/");
    await press("/");
    const field = document.querySelector<HTMLInputElement>("#search")!;
    expect(document.activeElement).toBe(field);
    await press("e", field);
    expect(here().has("open")).toBe(false);
    field.value = "fou";
    field.dispatchEvent(new Event("input", { bubbles: true }));
    await settled();
    expect(document.querySelector('[role="option"]')!.textContent).toContain("Found");
    await press("Enter", field);
    expect(here().getAll("at")).toEqual(["found"]);
    expect(here().get("pick")).toBe("found");
  });
});
