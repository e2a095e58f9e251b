/** The view as a file, in any of the formats, or as a link. */

import { useState } from "preact/hooks";
import { CopyButton } from "./parts";

/** What there is beside PNG, which the page draws itself. */
export const FORMATS = [
  { format: "svg", name: "SVG", tells: "drawing that stays sharp" },
  { format: "graphml", name: "GraphML", tells: "Gephi, Cytoscape, yEd, networkx" },
  { format: "gexf", name: "GEXF", tells: "Gephi, with places and colours" },
  { format: "csv", name: "CSV", tells: "spreadsheets" },
  { format: "bibtex", name: "BibTeX", tells: "the papers, for a bibliography" },
  { format: "json", name: "JSON", tells: "everything, to import again" },
] as const;

/** The address of a view's download; `query` is the view's own, and cannot name another format. */
export function downloadOf(format: string, query: string): string {
  const pairs = new URLSearchParams(query);
  pairs.set("format", format);
  return `/api/export?${pairs.toString()}`;
}

/** The picture of a canvas on a background, with room on all sides. */
export async function framed(picture: Blob, background: string, room: number): Promise<Blob> {
  const bitmap = await createImageBitmap(picture);
  const canvas = document.createElement("canvas");
  canvas.width = bitmap.width + 2 * room;
  canvas.height = bitmap.height + 2 * room;
  const pen = canvas.getContext("2d");
  if (!pen) throw new Error("The browser gives no canvas to draw the picture on.");
  pen.fillStyle = background;
  pen.fillRect(0, 0, canvas.width, canvas.height);
  pen.drawImage(bitmap, room, room);
  bitmap.close();
  return new Promise((done, fail) => {
    canvas.toBlob((blob) => (blob ? done(blob) : fail(new Error("The picture is too large."))), "image/png");
  });
}

function keep(blob: Blob, name: string): void {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

/** The panel of downloads; `png` draws the picture on the canvas. */
export function ExportPanel({ query, png }: { query: string; png: () => Promise<Blob> }) {
  const [said, setSaid] = useState("");
  const picture = async (): Promise<void> => {
    setSaid("Drawing");
    try {
      const background = getComputedStyle(document.documentElement).getPropertyValue("--background");
      keep(await framed(await png(), background.trim() || "#ffffff", 32), "graph.png");
      setSaid("");
    } catch (error) {
      setSaid(error instanceof Error ? error.message : String(error));
    }
  };
  return (
    <div class="panel export">
      <ul>
        <li>
          <button type="button" class="export-format" onClick={() => void picture()}>
            <b>PNG</b>
            <span>picture of what the canvas shows</span>
          </button>
        </li>
        {FORMATS.map(({ format, name, tells }) => (
          <li key={format}>
            <a class="export-format" href={downloadOf(format, query)} download>
              <b>{name}</b>
              <span>{tells}</span>
            </a>
          </li>
        ))}
      </ul>
      <CopyButton text={location.href}>Copy the link to this view</CopyButton>
      <p class="panel-said" role="status">
        {said}
      </p>
    </div>
  );
}
