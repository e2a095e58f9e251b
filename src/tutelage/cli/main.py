"""The command `tutelage`: each command imports its room inside its function, so help is quick."""

import logging
import sys
from typing import Annotated

import typer

from tutelage import __version__
from tutelage.cli import (
    compare,
    doctor,
    evaluate,
    explore,
    export,
    graph,
    importing,
    listing,
    profile,
    show,
    teach,
    training,
)
from tutelage.errors import TutelageError

app = typer.Typer(
    name="tutelage",
    help="Teach small networks from large ones: decoupled knowledge distillation and its kin.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("distill")(training.distill)
app.command("train")(training.train)
app.command("teach")(teach.teach)
app.command("compare")(compare.compare)
app.command("evaluate")(evaluate.evaluate)
app.command("show")(show.show)
app.command("list")(listing.listing)
app.command("export")(export.export)
app.command("doctor")(doctor.doctor)
app.command("profile")(profile.profile)
app.command("import")(importing.importing)
app.command("explore")(explore.explore)
app.add_typer(graph.app)


def _version(asked: bool) -> None:
    if asked:
        typer.echo(f"tutelage {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Say the version.")
    ] = False,
) -> None:
    pass


def main() -> None:
    """Run the command line; a user's mistake is one clear message and exit code 2."""
    logging.getLogger("lightning_fabric.utilities.rank_zero").setLevel(logging.WARNING)
    try:
        app()
    except TutelageError as error:
        print(f"tutelage: {error}", file=sys.stderr)
        sys.exit(2)
