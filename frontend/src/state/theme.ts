/** Light, dark, or as the system has it; kept by the browser. */

import { computed, effect, signal } from "@preact/signals";

export type Theme = "system" | "light" | "dark";
const KEPT = "graph-explorer-theme";
const system = window.matchMedia("(prefers-color-scheme: dark)");

function kept(): Theme {
  try {
    const theme = localStorage.getItem(KEPT);
    return theme === "light" || theme === "dark" ? theme : "system";
  } catch {
    return "system"; // a browser that keeps nothing still shows the page
  }
}

const systemDark = signal(system.matches);
export const theme = signal<Theme>(kept());
export const dark = computed(() => (theme.value === "system" ? systemDark.value : theme.value === "dark"));

system.addEventListener("change", () => {
  systemDark.value = system.matches;
});

effect(() => {
  document.documentElement.dataset.theme = dark.value ? "dark" : "light";
});

export function switchTheme(): void {
  theme.value = dark.value ? "light" : "dark";
  try {
    localStorage.setItem(KEPT, theme.value);
  } catch {
    return;
  }
}
