import { describe, expect, it } from "vitest";
import { factsOf, safe } from "../src/page/facts";
import { fractionOf } from "../src/page/filters";
import { captionOf } from "../src/page/text";

describe("facts", () => {
  it("are told in words, the known ones first", () => {
    const told = factsOf({ odd_name: 1, accuracy: 0.903, venue: "CVPR", abstract: "left out", empty: "", ids: ["x"], nested: { a: 1 } });
    expect(told.map(({ name, text }) => `${name}: ${text}`)).toEqual(["Venue: CVPR", "Accuracy, last epoch: 90.30\u202f%", "Odd name: 1"]);
  });

  it("link to the registries only with their own addresses", () => {
    expect(factsOf({ doi: '10.1/a b"><script>' })[0]!.href).toBe("https://doi.org/10.1/a%20b%22%3E%3Cscript%3E");
  });

  it("never lead to an address that runs", () => {
    expect(safe("https://arxiv.org/abs/1")).toBe("https://arxiv.org/abs/1");
    for (const bad of ["javascript:alert(1)", " javascript:x", "data:text/html,x", "/relative", null]) expect(safe(bad)).toBeNull();
  });
});

describe("texts", () => {
  it("count what is seen", () => {
    expect(captionOf({ nodes: 8, total_nodes: 8, links: 19 })).toBe("8 visible / 8 total nodes / 19 links");
    expect(captionOf({ nodes: 1, total_nodes: 1, links: 0 })).toBe("1 visible / 1 total node / 0 links");
  });

  it("read percentages", () => {
    expect(fractionOf("71.5")).toBeCloseTo(0.715);
    expect(fractionOf("")).toBeNull();
    expect(fractionOf("200")).toBe(1);
  });
});
