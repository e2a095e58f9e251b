export function ViewsPanel() {
  return null;
}
