export function ComparePanel(_: { runs: readonly string[] }) {
  return null;
}
