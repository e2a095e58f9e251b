"""CSV: a table of links with the names of their ends, for spreadsheets and for the way back in.

A node without links has a row of its own. Facts and places are not kept. A cell that a spreadsheet
would run as a formula begins with ``'``, which the import takes away again.
"""

import csv
import io
from collections.abc import Mapping, Sequence

from tutelage.graph.model import Link, Node
from tutelage.graph.sources.csv import FORMULA, LINKS
from tutelage.graph.store import Place

COLUMNS = (*LINKS, "weight", "source_label", "source_year", "target_label", "target_year")


def write(nodes: Sequence[Node], links: Sequence[Link], places: Mapping[str, Place]) -> bytes:
    """Return the table, in UTF-8, its lines ending as RFC 4180 wants."""
    by_id = {node.id: node for node in nodes}
    alone = by_id.keys() - {end for link in links for end in (link.source, link.target)}
    file = io.StringIO()
    table = csv.DictWriter(file, COLUMNS, restval="")
    table.writeheader()
    for link in links:
        ends = {**_end("source", by_id[link.source]), **_end("target", by_id[link.target])}
        table.writerow({**ends, "link": link.kind, "weight": link.weight})
    table.writerows(_end("source", node) for node in nodes if node.id in alone)
    return file.getvalue().encode()


def _end(end: str, node: Node) -> dict[str, object]:
    return {
        f"{end}_kind": node.kind,
        end: _safe(node.key),
        f"{end}_label": _safe(node.label),
        f"{end}_year": "" if node.year is None else node.year,
    }


def _safe(text: str) -> str:
    return f"'{text}" if text.startswith(FORMULA) else text
