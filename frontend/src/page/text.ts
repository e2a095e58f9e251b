/** Words that several parts of the page say. */

import type { View } from "../api/types";
import { whole } from "../panels/words";

export function plural(count: number, one: string, many = `${one}s`): string {
  return `${whole(count)} ${count === 1 ? one : many}`;
}

/** What stands beneath the graph. */
export function captionOf({ nodes, total_nodes, links }: Pick<View["counts"], "nodes" | "total_nodes" | "links">): string {
  return `${whole(nodes)} visible / ${plural(total_nodes, "total node")} / ${plural(links, "link")}`;
}
