"""`tutelage explore`."""

from pathlib import Path
from typing import Annotated

import typer


def explore(
    runs: Annotated[
        Path, typer.Option(metavar="DIR", help="Folder of the runs, watched while they train.")
    ] = Path("runs"),
    graph: Annotated[
        str | None,
        typer.Option(
            metavar="FILE|URL",
            help="Where the graph is kept: a file, or postgresql://...; by default graph.sqlite "
            "among the runs.",
        ),
    ] = None,
    port: Annotated[
        int, typer.Option(min=1, max=65535, help="Port; if it is taken, one of the next.")
    ] = 8765,
    host: Annotated[
        str, typer.Option(help="Address to listen at; another machine's reach wants --token.")
    ] = "127.0.0.1",
    token: Annotated[
        str,
        typer.Option(
            envvar="TUTELAGE_TOKEN",
            help="A token that lets browsers in as often as it is shown, 16 characters or more.",
            show_envvar=True,
            show_default=False,
        ),
    ] = "",
    workers: Annotated[int, typer.Option(min=1, max=64, help="Processes that answer.")] = 1,
    no_browser: Annotated[
        bool, typer.Option("--no-browser", help="Only print the address.")
    ] = False,
) -> None:
    """Open the graph of papers, people, methods, teachers, students and runs in the browser.

    The address that it prints is good once. Runs appear by themselves while they train.

    Examples:
        tutelage explore

        tutelage explore --runs experiments --no-browser

        tutelage explore --host 0.0.0.0 --graph postgresql://graph@db/graph --workers 4
    """
    from tutelage.explorer.serve import Plan, serve
    from tutelage.graph.home import GRAPH

    plan = Plan(
        runs=runs,
        graph=graph or str(runs / GRAPH),
        host=host,
        port=port,
        token=token,
        workers=workers,
        browser=not no_browser,
    )
    serve(plan, typer.echo)
