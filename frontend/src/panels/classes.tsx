export function ClassesPanel(_: { run: string }) {
  return null;
}
