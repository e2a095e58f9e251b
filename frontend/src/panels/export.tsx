export function ExportPanel(_: { query: string; png: () => Promise<Blob> }) {
  return null;
}
