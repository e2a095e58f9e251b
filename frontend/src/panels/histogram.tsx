export function YearHistogram(_: {
  years: Readonly<Record<string, number>>;
  since: number | null;
  until: number | null;
  onRange: (since: number | null, until: number | null) => void;
}) {
  return null;
}
