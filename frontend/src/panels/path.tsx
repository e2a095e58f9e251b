import type { Path } from "../api/types";

export function PathPanel(_: { path: Path; onPick: (key: string) => void }) {
  return null;
}
