/** What is known of a node, in words. */

import type { Facts } from "../api/types";
import { duration, percent, setting, whole } from "../panels/words";

export interface Told {
  name: string;
  text: string;
  /** Where more of it stands. */
  href?: string;
}

type Write = (value: unknown) => Omit<Told, "name">;

const text: Write = (value) => ({ text: Array.isArray(value) ? value.map(setting).join(", ") : setting(value) });
const count: Write = (value) => (typeof value === "number" ? { text: whole(value) } : text(value));
const share: Write = (value) => (typeof value === "number" ? { text: percent(value) } : text(value));
const time: Write = (value) => (typeof value === "number" ? { text: duration(value) } : text(value));
const moment: Write = (value) => ({ text: String(value).slice(0, 16).replace("T", " ") });
const linked =
  (site: string): Write =>
  (value) => ({ text: String(value), href: site + encodeURI(String(value)) });

/** Facts in the order in which they are told; those of other names come after. */
const KNOWN: Readonly<Record<string, readonly [name: string, write: Write]>> = {
  venue: ["Venue", text],
  type: ["Type", text],
  doi: ["DOI", linked("https://doi.org/")],
  arxiv: ["arXiv", linked("https://arxiv.org/abs/")],
  cited_by: ["Cited by", count],
  works_count: ["Works", count],
  works_count_source: ["Works counted by", text],
  kind: ["Kind", text],
  method: ["Method", text],
  state: ["State", text],
  architecture: ["Architecture", text],
  accuracy: ["Accuracy, last epoch", share],
  accuracy_best: ["Accuracy, best epoch", share],
  accuracy_teacher: ["Teacher's accuracy", share],
  epochs_done: ["Epochs done", count],
  epochs: ["Epochs", count],
  seconds: ["Time", time],
  parameters: ["Parameters", count],
  classes: ["Classes", count],
  seed: ["Seed", text],
  started: ["Started", moment],
  id: ["Id", text],
};

/** Told elsewhere on the page: as the title, the abstract, a button or a panel. */
const ELSEWHERE = new Set(["abstract", "title", "url", "command", "name", "label", "year", "bibtex", "authors"]);

export function factsOf(facts: Facts): Told[] {
  const there = ([, value]: [string, unknown]): boolean =>
    value !== null && value !== undefined && value !== "" && !(Array.isArray(value) && value.length === 0);
  const known = Object.keys(KNOWN);
  const place = (name: string): number => (known.indexOf(name) + 1 || known.length + 1);
  return Object.entries(facts)
    .filter(there)
    .filter(([name, value]) => !ELSEWHERE.has(name) && (typeof value !== "object" || Array.isArray(value)))
    .sort(([one], [other]) => place(one) - place(other))
    .map(([name, value]) => {
      const [title, write] = KNOWN[name] ?? [words(name), text];
      return { name: title, ...write(value) };
    });
}

/** A name of the record as words, such as `Top five` for `top_five`. */
function words(name: string): string {
  const spaced = name.replaceAll("_", " ");
  return spaced.charAt(0).toUpperCase() + spaced.slice(1);
}

/** An address that may be followed: on the web, and nothing that runs. */
export function safe(address: string | null): string | null {
  return address !== null && /^https?:\/\//i.test(address) ? address : null;
}
