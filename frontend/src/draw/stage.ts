/** The canvas: sigma draws links and nodes, a layer above it the text. */

import { EdgeCurvedArrowProgram, createEdgeCurveProgram } from "@sigma/edge-curve";
import { signal } from "@preact/signals";
import Graph from "graphology";
import Sigma from "sigma";
import {
  EdgeArrowProgram,
  EdgeRectangleProgram,
  NodePointProgram,
  type EdgeProgramType,
  type NodeProgramType,
} from "sigma/rendering";
import type { CameraState, EdgeDisplayData, MouseCoords, NodeDisplayData } from "sigma/types";
import type { Places } from "../api/types";
import type { Camera } from "../state/query";
import { NO_HAIRS, type Drawing, type DrawnLink, type DrawnNode } from "./drawing";
import { hairProgram, type Lines } from "./hairs";
import { along, distance, type Along, type Point } from "./line";
import { drawNames, type Span, type Spot } from "./names";
import { ShapeProgram, ground } from "./node-program";
import { communityColour, mix, readPalette, rgb, type Palette } from "./palette";
import { SHAPES } from "./shapes";

/** What is looked at. */
export interface Looked {
  pick: string;
  /** The keys along a path. */
  trail: readonly string[];
  colour: "kind" | "community";
}

/** What the pointer is over, and where, in pixels of the canvas. */
export interface Tip {
  x: number;
  y: number;
  title: string;
  text: string;
}

/** The part of the graph that is in sight, in its units. */
export interface Frame {
  left: number;
  right: number;
  top: number;
  bottom: number;
}

export interface Handlers {
  onPick: (key: string) => void;
  onOpen: (key: string) => void;
  onMoved: (scene: string, places: Places) => void;
  onCamera: (camera: Camera | null) => void;
  onLost: () => void;
}

interface NodeAttributes extends DrawnNode {
  size: number;
  color: string;
  type: string;
  shape: number;
}

interface LinkAttributes extends Omit<DrawnLink, "label"> {
  word: string;
  size: number;
  color: string;
  type: string;
}

const CURVE = 0.18;
const PADDING = { side: 96, top: 56, bottom: 84 };
const LARGEST_UNIT = 190; // pixels that a unit of the graph takes at most when all of it is fitted
const SOLID_RADIUS = 4; // pixels
const NAMED = 2000; // nodes of a map up to which all may be named
const LETTER_RADIUS = 8.5;
const REACH = 7; // pixels from a link at which the pointer is on it
const MOST_SOUGHT = 5000; // links among which the nearest is looked for

// The programs read what every node and link has, whatever else these have beside.
type Programs<Program> = Record<string, Program>;
/** Draws nothing: what is not needed, or not yet, takes no time to compile. */
const NOTHING = class {
  kill(): void {}
  reallocate(): void {}
  process(): void {}
  render(): void {}
} as unknown as NodeProgramType<NodeAttributes, LinkAttributes> & EdgeProgramType<NodeAttributes, LinkAttributes>;
const NODE_PROGRAMS = { shape: ShapeProgram, point: NodePointProgram } as unknown as Programs<
  NodeProgramType<NodeAttributes, LinkAttributes>
>;
const EDGE_PROGRAMS = {
  line: EdgeRectangleProgram,
  arrow: EdgeArrowProgram,
  curve: createEdgeCurveProgram({ defaultCurvature: CURVE }),
  curvedArrow: EdgeCurvedArrowProgram,
} as unknown as Programs<EdgeProgramType<NodeAttributes, LinkAttributes>>;

/** Sigma without a layer for the node under the pointer, which lies above the others anyway: a WebGL canvas less. */
class Layers extends Sigma<NodeAttributes, LinkAttributes> {
  override createWebGLContext(id: string, options?: Parameters<Sigma["createWebGLContext"]>[1]): WebGLRenderingContext {
    if (id !== "hoverNodes") return super.createWebGLContext(id, options);
    const { webGLContexts } = this as unknown as { webGLContexts: Record<string, WebGLRenderingContext> };
    const value = { clear: () => undefined } as unknown as WebGLRenderingContext; // which is all that it is asked to do
    Object.defineProperty(webGLContexts, id, { value, enumerable: false }); // so that it is given no size
    return value;
  }
}

export const calm = window.matchMedia("(prefers-reduced-motion: reduce)");

export class Stage {
  readonly frame = signal<Frame | null>(null);
  readonly tip = signal<Tip | null>(null);

  private readonly sigma: Sigma<NodeAttributes, LinkAttributes>;
  private readonly text: CanvasRenderingContext2D;
  private graph = new Graph<NodeAttributes, LinkAttributes>({ multi: true, type: "directed" });
  private drawing: Drawing = { scene: "", nodes: [], links: [], map: false, hairs: NO_HAIRS };
  private readonly lines: Lines = { places: new Float32Array(), colour: [0, 0, 0] };
  private letters: ReadonlyMap<string, string> = new Map();
  private looked: Looked = { pick: "", trail: [], colour: "kind" };
  private palette: Palette = readPalette();
  private hovered = "";
  private near: ReadonlySet<string> | null = null;
  private readonly hair = hairProgram(this.lines) as unknown as EdgeProgramType<NodeAttributes, LinkAttributes>;
  private fitRatio = 1;
  private crowd = 1;
  private fitted = true;
  private settling = false;
  private dragged = false; // since the pointer went down; the click that ends a drag picks nothing
  private readonly resized = new ResizeObserver(() => {
    const { width, height } = this.sigma.getDimensions();
    const { offsetWidth, offsetHeight } = this.container;
    if (width !== offsetWidth || height !== offsetHeight) this.sigma.scheduleRefresh();
  });
  private readonly moved = new Map<string, { x: number; y: number }>();
  private ranked: readonly string[] = [];

  constructor(
    private readonly container: HTMLElement,
    private readonly handlers: Handlers,
  ) {
    this.sigma = new Layers(this.graph, container, {
      allowInvalidContainer: true,
      defaultNodeType: "shape",
      defaultEdgeType: "line",
      nodeProgramClasses: { circle: NOTHING },
      nodeHoverProgramClasses: { circle: NOTHING, shape: NOTHING, point: NOTHING },
      edgeProgramClasses: { line: NOTHING, arrow: NOTHING },
      renderLabels: false,
      renderEdgeLabels: false,
      defaultDrawNodeHover: () => undefined,
      zIndex: true,
      stagePadding: 0,
      minEdgeThickness: 0.6,
      inertiaDuration: calm.matches ? 0 : 200,
      zoomDuration: calm.matches ? 0 : 200,
      doubleClickZoomingRatio: 1,
      zoomToSizeRatioFunction: (ratio) => Math.max(0.45, Math.min(2, (ratio / this.fitRatio) ** 0.5)),
      nodeReducer: (key, data) => this.nodeLook(key, data),
      edgeReducer: (_, data) => this.linkLook(data),
    });
    // A box of its own keeps the graph's units fixed on the canvas, whatever comes and goes.
    this.sigma.setCustomBBox({ x: [-1, 1], y: [-1, 1] });
    const names = this.sigma.createCanvas("names", { afterLayer: "hovers", style: { pointerEvents: "none", width: "100%", height: "100%" } });
    this.text = names.getContext("2d")!;
    this.listen();
  }

  private listen(): void {
    const { sigma, handlers } = this;
    sigma.on("afterRender", () => this.rendered());
    // Sigma hears of the window alone, and the canvas also shrinks when a sheet opens beneath it.
    this.resized.observe(this.container);
    sigma.on("resize", () => this.fitted && this.drawing.nodes.length && this.fit(false));
    sigma.on("clickNode", ({ node }) => this.dragged || handlers.onPick(node));
    sigma.on("clickStage", ({ event }) => {
      this.seek(event); // where there is no pointer to hover, a tap on a link tells of it
      if (!this.tip.value) handlers.onPick("");
    });
    sigma.on("doubleClickNode", ({ node, preventSigmaDefault }) => {
      preventSigmaDefault();
      handlers.onOpen(node);
    });
    sigma.on("enterNode", ({ node }) => this.hover(node));
    sigma.on("leaveNode", () => this.hover(""));
    sigma.on("moveBody", ({ event }) => this.seek(event));
    this.container.addEventListener("pointerleave", () => (this.tip.value = null));
    sigma.getCamera().on("updated", () => this.cameraMoved());
    for (const canvas of Object.values(sigma.getCanvases())) {
      canvas.addEventListener("webglcontextlost", handlers.onLost);
    }
    this.dragging();
  }

  private dragging(): void {
    const { sigma } = this;
    let held = "";
    sigma.on("downStage", () => (this.dragged = false));
    sigma.on("downNode", ({ node }) => {
      this.dragged = false;
      if (!this.drawing.map) held = node;
    });
    sigma.on("moveBody", ({ event, preventSigmaDefault }) => {
      if (!held) return;
      const place = sigma.viewportToGraph(event);
      this.graph.mergeNodeAttributes(held, place);
      this.moved.set(held, place);
      this.dragged = true;
      this.tip.value = null;
      preventSigmaDefault();
      event.original.preventDefault();
    });
    const release = (): void => {
      const place = this.moved.get(held);
      if (held && this.dragged && place) {
        this.handlers.onMoved(this.drawing.scene, { [held]: [place.x, place.y] });
      }
      held = "";
    };
    sigma.on("upNode", release);
    sigma.on("upStage", release);
  }

  /** Draw something else; the camera stays if the scene does. */
  show(drawing: Drawing, letters: ReadonlyMap<string, string>, camera: Camera | null): void {
    const first = drawing.scene !== this.drawing.scene;
    if (first) this.moved.clear();
    this.drawing = drawing;
    this.letters = letters;
    this.hovered = "";
    this.tip.value = null;
    this.graph = this.build(drawing);
    this.lines.places = placesOf(drawing);
    this.ranked = drawing.nodes
      .toSorted((one, other) => other.weight - one.weight)
      .slice(0, drawing.map ? 4000 : 400)
      .map(({ key }) => key);
    this.compile();
    this.crowd = drawing.map ? 1 : crowdOf(drawing.nodes, this.whole().unit);
    this.findNear();
    this.sigma.setGraph(this.graph);
    if (first) this.lookAt(camera);
  }

  /** Have the programs that draw what there is now, and those of before: each takes its time to compile. */
  private compile(): void {
    const { map } = this.drawing;
    const nodes = map ? "point" : "shape";
    const links = map ? ["hair"] : new Set(this.graph.mapEdges((_, { type }) => type));
    const known = this.sigma.getSettings();
    const add = <Program>(had: Programs<Program>, all: Programs<Program>, names: Iterable<string>): Programs<Program> => ({
      ...had,
      ...Object.fromEntries([...names].map((name) => [name, all[name]!])),
    });
    this.sigma.setSettings({
      hideEdgesOnMove: map,
      nodeProgramClasses: add(known.nodeProgramClasses, NODE_PROGRAMS, [nodes]),
      edgeProgramClasses: add(known.edgeProgramClasses, { ...EDGE_PROGRAMS, hair: this.hair }, links),
    });
  }

  private build({ nodes, links, map }: Drawing): Graph<NodeAttributes, LinkAttributes> {
    const graph = new Graph<NodeAttributes, LinkAttributes>({ multi: true, type: "directed" });
    for (const node of nodes) {
      graph.addNode(node.key, {
        ...node,
        ...this.moved.get(node.key),
        size: node.radius,
        color: this.colour(node),
        type: map ? "point" : "shape",
        shape: SHAPES.indexOf(node.kind),
      });
    }
    for (const { label, ...link } of links) {
      if (!graph.hasNode(link.source) || !graph.hasNode(link.target)) continue;
      graph.addDirectedEdge(link.source, link.target, {
        ...link,
        word: label,
        size: link.projection ? 1 : 1.6,
        color: this.linkColour(link),
        type: linkType(link),
      });
    }
    return graph;
  }

  private colour({ kind, community }: DrawnNode): string {
    return this.looked.colour === "community"
      ? communityColour(community, this.palette)
      : this.palette.kinds[kind];
  }

  private linkColour({ derived, projection }: { derived: boolean; projection: boolean }): string {
    const { ink, background, accent } = this.palette;
    if (projection) return mix(ink, background, 0.15);
    return derived ? mix(accent, background, 0.5) : mix(ink, background, 0.34);
  }

  private nodeLook(key: string, data: NodeAttributes): Partial<NodeDisplayData> & { shape: number } {
    const { near, drawing } = this;
    const { x, y, type, shape } = data;
    const size = data.size * this.crowd;
    const dim = near !== null && !near.has(key);
    const above = key === this.looked.pick || key === this.hovered;
    return {
      x, y, size, type, shape, label: null, hidden: false, forceLabel: false, highlighted: false,
      color: dim && !drawing.map ? mix(data.color, this.palette.background, 0.28) : data.color,
      zIndex: above ? 2 : dim ? 0 : 1,
    }; // prettier-ignore
  }

  private linkLook(data: LinkAttributes): Partial<EdgeDisplayData> {
    const { size, type } = data;
    const usual = { size, type, label: null, hidden: false, forceLabel: false };
    if (this.isStrong(data)) {
      return { ...usual, size: size + 0.8, color: mix(this.palette.accent, this.palette.background, 0.85), zIndex: 2 };
    }
    const dim = this.near !== null;
    return { ...usual, color: dim ? mix(data.color, this.palette.background, 0.35) : data.color, zIndex: dim ? 0 : 1 };
  }

  /** Whether a link is of what is looked at: on the path, or at the node under the pointer. */
  private isStrong({ source, target }: { source: string; target: string }): boolean {
    const { trail } = this.looked;
    if (trail.length) {
      const at = trail.indexOf(source);
      return at >= 0 && (trail[at + 1] === target || trail[at - 1] === target);
    }
    const middle = this.hovered || this.looked.pick;
    return middle !== "" && this.near !== null && (source === middle || target === middle);
  }

  /** What stays bright: the path, or the neighbours of the node under the pointer, or all. */
  private findNear(): void {
    const { trail, pick } = this.looked;
    const middle = this.hovered || pick;
    if (trail.length) this.near = new Set(trail);
    else if (middle && this.graph.hasNode(middle)) this.near = new Set([middle, ...this.neighbours(middle)]);
    else this.near = null;
  }

  private neighbours(key: string): string[] {
    const { map, nodes, hairs } = this.drawing;
    if (!map) return this.graph.neighbors(key);
    const at = nodes.findIndex((node) => node.key === key);
    const around: string[] = [];
    hairs.source.forEach((source, index) => {
      const target = hairs.target[index]!;
      if (source === at) around.push(nodes[target]!.key);
      else if (target === at) around.push(nodes[source]!.key);
    });
    return around;
  }

  /** Draw again because something else is looked at; on the map that changes the names alone. */
  private again(): void {
    if (this.drawing.map) this.sigma.scheduleRender();
    else this.sigma.refresh({ skipIndexation: true, schedule: true });
  }

  look(looked: Looked): void {
    const recolour = looked.colour !== this.looked.colour;
    this.looked = looked;
    this.findNear();
    if (recolour) this.recolour();
    else this.again();
  }

  /** Read the style sheet's colours again. */
  dress(): void {
    this.palette = readPalette();
    const [red, green, blue] = rgb(this.palette.background);
    ground.colour = [red / 255, green / 255, blue / 255];
    this.recolour();
  }

  private recolour(): void {
    this.graph.updateEachNodeAttributes((_, data) => ({ ...data, color: this.colour(data) }), { attributes: ["color"] });
    this.graph.updateEachEdgeAttributes((_, data) => ({ ...data, color: this.linkColour(data) }), { attributes: ["color"] });
    const [red, green, blue] = rgb(mix(this.palette.ink, this.palette.background, 0.1));
    this.lines.colour = [red / 255, green / 255, blue / 255];
    this.sigma.refresh({ skipIndexation: true, schedule: true });
  }

  /** Point at a node from elsewhere on the page; "" points at none. */
  point(key: string): void {
    const there = this.graph.hasNode(key) ? key : "";
    if (there !== this.hovered) this.hover(there);
  }

  /** Where nodes stand now, also those that were moved. */
  spotsOf(): { key: string; x: number; y: number }[] {
    return this.graph.mapNodes((key, { x, y }) => ({ key, x, y }));
  }

  private hover(key: string): void {
    this.hovered = key;
    this.container.style.cursor = key ? "pointer" : "";
    this.findNear();
    if (key) this.tip.value = null;
    this.again();
  }

  /** The line of a link on the screen. */
  private lineOf({ type }: LinkAttributes, source: string, target: string): Along {
    const { sigma, graph } = this;
    const from = sigma.graphToViewport(graph.getNodeAttributes(source));
    const to = sigma.graphToViewport(graph.getNodeAttributes(target));
    return along(from, to, type.startsWith("curve") ? CURVE / 2 : 0);
  }

  /** Tell about the link that is nearest to the pointer: links are too thin to be met exactly. */
  private seek(at: MouseCoords): void {
    if (this.drawing.map || this.drawing.links.length > MOST_SOUGHT) return;
    let nearest = "";
    let least = REACH;
    if (!this.hovered) {
      this.graph.forEachEdge((edge, data, source, target) => {
        const away = distance(at, this.lineOf(data, source, target), data.type.startsWith("curve") ? 8 : 1);
        if (away < least) [nearest, least] = [edge, away];
      });
    }
    if (nearest) this.tell(nearest, at);
    else this.tip.value = null;
  }

  private tell(edge: string, { x, y }: Point): void {
    const { source, target, word, reason, directed } = this.graph.getEdgeAttributes(edge);
    const name = (key: string): string => this.graph.getNodeAttribute(key, "label");
    const title = `${name(source)} ${directed ? "→" : "–"} ${name(target)}`;
    this.tip.value = { x, y, title, text: reason ? `${word}: ${reason}` : word };
  }

  // The camera. Sigma's stands in a square of its own; ours counts in units of the graph.

  private get pixels(): number {
    const { width, height } = this.sigma.getDimensions();
    return Math.max(1, Math.min(width, height)) / 2; // of a unit, at a ratio of 1
  }

  private state({ x, y, unit }: Camera): CameraState {
    return { x: 0.5 + x / 2, y: 0.5 + y / 2, ratio: unit * this.pixels, angle: 0 };
  }

  get camera(): Camera {
    const { x, y, ratio } = this.sigma.getCamera().getState();
    return { x: 2 * (x - 0.5), y: 2 * (y - 0.5), unit: ratio / this.pixels };
  }

  /** The camera that has everything in sight, with room for names. */
  private whole(): Camera {
    const { width, height } = this.sigma.getDimensions();
    let [left, right, bottom, top] = [Infinity, -Infinity, Infinity, -Infinity];
    this.graph.forEachNode((_, { x, y }) => {
      [left, right] = [Math.min(left, x), Math.max(right, x)];
      [bottom, top] = [Math.min(bottom, y), Math.max(top, y)];
    });
    if (left > right) return { x: 0, y: 0, unit: 1 / LARGEST_UNIT };
    const narrow = width < 560;
    const side = narrow ? 56 : PADDING.side;
    const low = height < 360;
    const [above, beneath] = low ? [34, 62] : [PADDING.top, PADDING.bottom];
    const unit = Math.max(
      (right - left) / Math.max(80, width - 2 * side),
      (top - bottom) / Math.max(80, height - above - beneath),
      this.drawing.map ? 1e-6 : 1 / LARGEST_UNIT,
    );
    const lift = ((beneath - above) / 2) * unit;
    return { x: (left + right) / 2, y: (top + bottom) / 2 - lift, unit };
  }

  private lookAt(camera: Camera | null): void {
    const whole = this.whole();
    this.fitRatio = whole.unit * this.pixels;
    this.fitted = camera === null;
    this.place(camera ?? whole, false);
  }

  private place(camera: Camera, smooth: boolean): void {
    const state = this.state(camera);
    if (!smooth || calm.matches) {
      this.settling = true;
      this.sigma.getCamera().setState(state);
      this.settling = false;
      return;
    }
    this.settling = true;
    void this.sigma.getCamera().animate(state, { duration: 260 }, () => (this.settling = false));
  }

  /** Go to where an address says; null is everything. */
  go(camera: Camera | null): void {
    if (camera === null) this.fit();
    else {
      this.fitted = false;
      this.place(camera, true);
    }
  }

  fit(smooth = true): void {
    const whole = this.whole();
    this.fitRatio = whole.unit * this.pixels;
    this.fitted = true;
    this.place(whole, smooth);
    this.handlers.onCamera(null);
  }

  zoom(factor: number): void {
    const camera = this.camera;
    this.fitted = false;
    this.place({ ...camera, unit: camera.unit / factor }, true);
    this.handlers.onCamera({ ...camera, unit: camera.unit / factor });
  }

  /** Put a place of the graph into the middle. */
  center(x: number, y: number): void {
    this.fitted = false;
    this.place({ ...this.camera, x, y }, false);
    this.handlers.onCamera(this.camera);
  }

  /** Bring a node into sight, if it is not. */
  reveal(key: string): void {
    const frame = this.frame.peek();
    if (!frame || !this.graph.hasNode(key)) return;
    const { x, y } = this.graph.getNodeAttributes(key);
    const inside = frame.left < x && x < frame.right && frame.bottom < y && y < frame.top;
    if (!inside) this.center(x, y);
  }

  private cameraMoved(): void {
    if (this.settling) return;
    this.fitted = false;
    this.tip.value = null;
    this.handlers.onCamera(this.camera);
  }

  /** How many nodes are out of sight. */
  outside({ left, right, top, bottom }: Frame): number {
    if (this.drawing.map) return 0;
    let count = 0;
    this.graph.forEachNode((_, { x, y }) => {
      if (x < left || x > right || y < bottom || y > top) count += 1;
    });
    return count;
  }

  private rendered(): void {
    const { sigma } = this;
    const { width, height } = sigma.getDimensions();
    const corner = sigma.viewportToGraph({ x: 0, y: 0 });
    const other = sigma.viewportToGraph({ x: width, y: height });
    this.frame.value = { left: corner.x, top: corner.y, right: other.x, bottom: other.y };
    // Sigma sizes the layers that it draws on; this one is ours.
    const ratio = window.devicePixelRatio || 1;
    const { canvas } = this.text;
    if (canvas.width !== Math.round(width * ratio)) canvas.width = Math.round(width * ratio);
    if (canvas.height !== Math.round(height * ratio)) canvas.height = Math.round(height * ratio);
    this.text.setTransform(ratio, 0, 0, ratio, 0, 0);
    this.text.clearRect(0, 0, width, height);
    drawNames(this.text, this.spots(width, height), this.spans(), this.palette, width, height);
  }

  private spots(width: number, height: number): Spot[] {
    const { sigma, graph, drawing, near } = this;
    const { pick } = this.looked;
    const spots: Spot[] = [];
    const keys = new Set([pick, this.hovered].filter((key) => graph.hasNode(key)));
    for (const key of this.ranked) keys.add(key);
    for (const key of keys) {
      const data = graph.getNodeAttributes(key);
      const { x, y } = sigma.graphToViewport(data);
      if (x < -80 || y < -60 || x > width + 80 || y > height + 20) continue;
      const radius = sigma.scaleSize(data.size * this.crowd);
      const first = key === pick || key === this.hovered;
      spots.push({
        x, y, radius, kind: data.kind, label: data.label, sub: data.sub, colour: data.color,
        letter: !drawing.map && radius >= LETTER_RADIUS ? (this.letters.get(data.kind) ?? "") : "",
        solid: radius >= SOLID_RADIUS,
        weight: first ? Infinity : data.weight + (near?.has(key) ? 1e6 : 0),
        dim: near !== null && !near.has(key),
        picked: key === pick,
      }); // prettier-ignore
      if (drawing.nodes.length > NAMED && spots.length >= 120) break;
    }
    return spots;
  }

  private spans(): Span[] {
    const { graph, drawing } = this;
    if (drawing.map) return [];
    const all = drawing.links.length <= 60;
    const spans: Span[] = [];
    graph.forEachEdge((_, data, source, target) => {
      const strong = this.isStrong(data);
      if (!strong && (!all || data.projection || this.near !== null)) return;
      const at = this.lineOf(data, source, target);
      const [from, to] = [at(0), at(1)];
      const length = Math.hypot(to.x - from.x, to.y - from.y);
      if (length < 84) return;
      spans.push({
        at,
        label: data.word,
        strong,
        weight: (strong ? 1e6 : 0) + (data.derived ? 1e5 : 0) + length, // what is computed is what needs a word
      });
    });
    return spans;
  }

  /** The canvas as a PNG, as it is. */
  async png(): Promise<Blob> {
    this.sigma.refresh({ skipIndexation: true });
    const canvases = this.sigma.getCanvases();
    const { width, height } = this.text.canvas;
    const picture = new OffscreenCanvas(width, height);
    const context = picture.getContext("2d")!;
    context.fillStyle = this.palette.background;
    context.fillRect(0, 0, width, height);
    for (const name of ["edges", "nodes", "names"]) context.drawImage(canvases[name]!, 0, 0, width, height);
    return picture.convertToBlob({ type: "image/png" });
  }

  kill(): void {
    this.resized.disconnect();
    this.sigma.kill();
  }
}

function linkType({ directed, derived, projection }: Omit<DrawnLink, "label">): string {
  if (projection) return "line";
  if (derived) return directed ? "curvedArrow" : "curve";
  return directed ? "arrow" : "line";
}

/**
 * What share of their radius (0.5 to 1) leaves nodes room beside each other where all are in sight.
 *
 * @param unit units of the graph to a pixel
 */
export function crowdOf(nodes: readonly Pick<DrawnNode, "x" | "y" | "radius">[], unit: number): number {
  if (nodes.length < 2 || nodes.length > 600) return nodes.length < 2 ? 1 : 0.75;
  const shares = nodes.map((one) => {
    let nearest = Infinity;
    for (const other of nodes) {
      if (other !== one) nearest = Math.min(nearest, Math.hypot(one.x - other.x, one.y - other.y) / (one.radius + other.radius));
    }
    return nearest / unit;
  });
  const close = shares.sort((one, other) => one - other)[Math.floor(nodes.length / 4)]!;
  return Math.min(1, Math.max(0.5, 0.85 * close));
}

/** The places of hairlines in sigma's square, of which a graph's units are half. */
function placesOf({ nodes, hairs }: Drawing): Float32Array {
  const places = new Float32Array(4 * hairs.source.length);
  hairs.source.forEach((source, index) => {
    const [from, to] = [nodes[source]!, nodes[hairs.target[index]!]!];
    places.set([0.5 + from.x / 2, 0.5 + from.y / 2, 0.5 + to.x / 2, 0.5 + to.y / 2], 4 * index);
  });
  return places;
}
