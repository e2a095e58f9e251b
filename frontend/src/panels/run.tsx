export function RunPanel(_: { run: string }) {
  return null;
}
