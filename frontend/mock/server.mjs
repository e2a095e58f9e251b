/**
 * The built page with made-up answers, under the policy that the real server sends:
 * `npm run build && npm run mock`, or `node mock/server.mjs PORT NODES` for a synthetic graph.
 */

import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { answer, reference, synthetic } from "./graph.mjs";

const port = Number(process.argv[2] ?? 8765);
const size = Number(process.argv[3] ?? 8);
const graph = size === 8 ? reference() : synthetic(size);
const page = new URL("../../src/tutelage/explorer/static/", import.meta.url);
const types = { js: "text/javascript", css: "text/css", svg: "image/svg+xml", html: "text/html; charset=utf-8" };
const recorded = { "/api/run": "run", "/api/classes": "classes", "/api/compare": "compare" };

createServer((request, response) => {
  const { pathname } = new URL(request.url, "http://x");
  response.setHeader("Content-Security-Policy",
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; connect-src 'self'; " +
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'");
  if (pathname in recorded) {
    response.setHeader("Content-Type", "application/json");
    return response.end(readFileSync(new URL(`${recorded[pathname]}.json`, import.meta.url)));
  }
  if (pathname.startsWith("/api/")) {
    const { status, body } = answer(graph, request.url, request.method);
    response.writeHead(status, { "Content-Type": "application/json" });
    return response.end(JSON.stringify(body));
  }
  const name = pathname === "/" ? "index.html" : pathname.slice(1);
  try {
    const file = readFileSync(new URL(name, page));
    response.writeHead(200, { "Content-Type": types[name.split(".").pop()] ?? "text/plain" });
    response.end(file);
  } catch {
    response.writeHead(404).end();
  }
}).listen(port, "127.0.0.1", () => console.log(`http://127.0.0.1:${port}/`));
