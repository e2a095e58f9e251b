"""`tutelage graph`."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated

import typer

from tutelage.cli._common import console

if TYPE_CHECKING:
    from tutelage.graph.home import Home
    from tutelage.graph.sources import Report

app = typer.Typer(
    name="graph",
    help="Bring literature into the graph explorer's graph, and parts of it out.",
    no_args_is_help=True,
)

Runs = Annotated[Path, typer.Option(metavar="DIR", help="The folder of runs.")]
Graph = Annotated[
    str | None,
    typer.Option(
        metavar="FILE|URL",
        help="Where the graph is kept: a file, or postgresql://...; by default graph.sqlite among "
        "the runs.",
    ),
]


def _home(runs: Path, graph: str | None) -> "Home":
    from tutelage.graph.home import graph_home

    return graph_home(runs, graph)


@app.command("import")
def importing(
    files: Annotated[
        list[Path] | None, typer.Argument(metavar="FILE...", help="What to import, gzip or not.")
    ] = None,
    fetch: Annotated[
        list[str] | None,
        typer.Option(metavar="DOI|TITLE", help="A work to ask OpenAlex for; may stand repeatedly."),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what an import would give, and change nothing.")
    ] = False,
    runs: Runs = Path("runs"),
    graph: Graph = None,
) -> None:
    """Bring papers in: OpenAlex, Crossref, Semantic Scholar, BibTeX, CSV, exported graphs.

    What a file is, its content tells. Lines that are broken are left out and told. The files are
    kept beside the graph, so that it can be rebuilt. --fetch asks OpenAlex over the network, with
    the key in OPENALEX_API_KEY.

    Examples:
        tutelage graph import references.bib

        tutelage graph import works/part_*.gz --dry-run

        tutelage graph import --fetch 10.1109/CVPR52688.2022.01165
    """
    from tutelage.errors import ConfigError

    if not files and not fetch:
        raise ConfigError("name files to import, or works to --fetch.")
    home = _home(runs, graph)
    with TemporaryDirectory() as folder:
        paths = [*(files or []), *(_fetched(wanted, Path(folder)) for wanted in fetch or [])]
        for path in paths:
            with _bar(path.name) as progress:
                read = home.read_file if dry_run else home.import_file
                report = read(path, progress)
            _tell(path.name, report, dry_run)
            if len(named := home.namesakes(path)) > 1:
                console().print(
                    f"{len(named)} files called {path.name} are in the graph: {', '.join(named)}. "
                    f"`tutelage graph forget NAME` takes an old one out.",
                    markup=False,
                    soft_wrap=True,
                )
    if not dry_run:
        with console().status("Deriving links, ordering the search, drawing the map"):
            home.refresh()


@app.command("export")
def export(
    format_: Annotated[
        str, typer.Argument(metavar="FORMAT", help="json, graphml, gexf, csv, bibtex or svg.")
    ],
    query: Annotated[
        str, typer.Argument(metavar="[VIEW]", help="A view, as it stands in the page's address.")
    ] = "",
    at: Annotated[
        list[str] | None, typer.Option(metavar="KEY", help="A node to begin at, such as its DOI.")
    ] = None,
    within: Annotated[
        str, typer.Option(metavar="ORIGIN", help="Only what this origin says: shipped:dkd.")
    ] = "",
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="The file to write; else it is printed.")
    ] = None,
    runs: Runs = Path("runs"),
    graph: Graph = None,
) -> None:
    """Write a part of the graph for Gephi, networkx, a spreadsheet, LaTeX, or another graph.

    Examples:
        tutelage graph export gexf --within shipped:dkd -o dkd.gexf

        tutelage graph export bibtex --at arxiv:2203.08679

        tutelage graph export json "at=method:dkd&depth=2&limit=500" -o dkd.json
    """
    from contextlib import closing
    from urllib.parse import parse_qsl

    from tutelage.errors import GraphError
    from tutelage.graph.export.views import export_view
    from tutelage.graph.query import Query

    pairs = parse_qsl(query.removeprefix("?"), keep_blank_values=True)
    pairs += [("at", key) for key in at or []] + ([("within", within)] if within else [])
    with closing(_home(runs, graph).open()) as store:
        content = export_view(format_, store, Query.parse(pairs))
    if output is None:
        typer.echo(content, nl=False)  # UTF-8, whatever the terminal's own
        return
    try:
        output.write_bytes(content)
    except OSError as error:
        raise GraphError(f"{output} could not be written: {error.strerror or error}.") from error
    console().print(f"Wrote {output}, {len(content):,} bytes.", markup=False, soft_wrap=True)


@app.command("rebuild")
def rebuild(
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Read everything, and change nothing.")
    ] = False,
    runs: Runs = Path("runs"),
    graph: Graph = None,
) -> None:
    """Build the graph anew from the toolkit's literature, the kept imports and the runs.

    Examples:
        tutelage graph rebuild

        tutelage graph rebuild --runs experiments --dry-run
    """
    from rich.table import Table

    with _bar("imports") as progress:
        built = _home(runs, graph).rebuild(runs, dry_run=dry_run, progress=progress)
    table = Table("origin", "nodes", "links", "left out", "why, of the first")
    for origin, report in built:
        why = report.problems[0][1] if report.problems else ""
        counts = (f"{n:,}" for n in (report.nodes, report.links, report.skipped))
        table.add_row(_escaped(origin.label), *counts, _escaped(why))
    console().print(table)


@app.command("forget")
def forget(
    name: Annotated[str, typer.Argument(metavar="NAME", help="The name of an imported file.")],
    runs: Runs = Path("runs"),
    graph: Graph = None,
) -> None:
    """Take an import out of the graph, and its kept file away.

    Examples:
        tutelage graph forget references.bib
    """
    _home(runs, graph).forget(name)
    console().print(f"Forgot {name}.", markup=False, soft_wrap=True)


@app.command("stats")
def stats(runs: Runs = Path("runs"), graph: Graph = None) -> None:
    """Say what the graph holds, by kind and by origin.

    Examples:
        tutelage graph stats --runs experiments
    """
    from contextlib import closing

    from rich.table import Table

    from tutelage.graph.model import LINK_KINDS, NODE_KINDS

    with closing(_home(runs, graph).open()) as store:
        nodes, links = store.count()
        origins = store.origins()
    kinds = Table("kind", "how many")
    for name, count in nodes.items():
        kinds.add_row(NODE_KINDS[name].plural, f"{count:,}")
    kinds.add_section()
    for name, count in links.items():
        kinds.add_row(LINK_KINDS[name].label, f"{count:,}")
    sources = Table("origin", "what", "nodes", "links")
    for origin in origins:
        cells = (_escaped(origin.key), _escaped(origin.label))
        sources.add_row(*cells, f"{origin.nodes:,}", f"{origin.links:,}")
    console().print(kinds)
    console().print(sources)


def _fetched(wanted: str, folder: Path) -> Path:
    """Return a file of what OpenAlex says of a work."""
    from tutelage.graph.sources.fetch import fetch

    work = fetch(wanted)
    path = folder / f"openalex-{str(work.get('id', '')).rpartition('/')[2]}.json"
    path.write_text(json.dumps(work), encoding="utf-8")
    return path


@contextmanager
def _bar(name: str) -> Iterator[Callable[[int, int], None]]:
    """Draw how far a file is read, where there is a terminal."""
    from rich.progress import Progress

    told = console()
    with Progress(console=told, transient=True, disable=not told.is_terminal) as bar:
        task = bar.add_task(_escaped(name))
        yield lambda done, total: bar.update(task, completed=done, total=total)


def _tell(name: str, report: "Report", dry_run: bool) -> None:
    """Say what an import gave, and which lines gave nothing."""
    verb = "would give" if dry_run else "gave"
    left_out = f", {report.skipped:,} left out" if report.skipped else ""
    derived = f"; {report.derived:,} derived links are computed anew" if report.derived else ""
    told = console()
    told.print(
        f"{name} ({report.format}) {verb} {report.nodes:,} nodes and {report.links:,} links"
        f"{left_out}{derived}.",
        markup=False,
        soft_wrap=True,
    )
    for line, reason in report.problems:
        told.print(f"  line {line:,}: {reason}", markup=False, soft_wrap=True)


def _escaped(text: str) -> str:
    from rich.markup import escape

    return escape(text)
