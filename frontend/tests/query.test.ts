import { describe, expect, it } from "vitest";
import { REFERENCE, USUAL, expanded, folded, queryText, readWhere, toggled, whereText, type Where } from "../src/state/query";

const everything: Where = {
  at: ["arxiv:2203.08679", "name:a & b"],
  within: "shipped:methods",
  depth: 2,
  open: ["x", "x", "y"],
  fold: ["z"],
  hide: ["person", "co_authorship"],
  since: 2015,
  until: 2022,
  topic: "topic:logit distillation",
  method: "method:dkd",
  accuracy: 0.715,
  layout: "timeline",
  links: "overview",
  limit: 500,
  pick: "run:a=b#c",
  path: ["one", "two"],
  compare: ["run:a", "run:b"],
  sheet: "compare",
  q: "c++ ü",
  colour: "community",
  map: true,
  camera: { x: 0.5, y: -2, unit: 0.01 },
};

describe("an address", () => {
  it("holds all of a view", () => {
    expect(readWhere(`?${whereText(everything)}`)).toEqual(everything);
  });

  it("opens the reference case where it says nothing", () => {
    expect(readWhere("")).toEqual({ ...USUAL, within: REFERENCE });
  });

  it("of everything does not read as one that says nothing", () => {
    expect(readWhere(whereText(USUAL))).toEqual(USUAL);
  });

  it("reads what makes no sense as usual", () => {
    const read = readWhere("?depth=many&layout=spiral&camera=1,2&sheet=bed&path=a&path=b&path=c&accuracy=");
    expect(read).toEqual({ ...USUAL, path: ["a", "b"] });
  });

  it("asks the server nothing that only the page knows", () => {
    const asked = new URLSearchParams(queryText(everything));
    for (const name of ["pick", "path", "compare", "sheet", "q", "colour", "map", "camera"]) expect(asked.has(name)).toBe(false);
    expect(asked.getAll("open")).toEqual(["x", "x", "y"]);
    expect(queryText(USUAL)).toBe("");
  });
});

describe("expanding and folding", () => {
  it("opens a node once more at each step, and takes that back", () => {
    const once = { ...USUAL, ...expanded(USUAL, "a") };
    const twice = { ...once, ...expanded(once, "a") };
    expect(twice.open).toEqual(["a", "a"]);
    expect({ ...twice, ...folded(twice, "a") }.open).toEqual([]);
  });

  it("unfolds before it opens", () => {
    const away = { ...USUAL, ...folded(USUAL, "a") };
    expect(away.fold).toEqual(["a"]);
    expect(folded(away, "a")).toEqual({});
    expect(expanded(away, "a")).toEqual({ fold: [] });
  });

  it("hides and shows a kind", () => {
    const without = { ...USUAL, ...toggled(USUAL, "person") };
    expect(without.hide).toEqual(["person"]);
    expect(toggled(without, "person")).toEqual({ hide: [] });
  });
});
