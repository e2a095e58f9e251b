"""`tutelage compare`."""

from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tutelage.cli._common import DEFAULT_RECIPE, Overrides, Recipe, console, read_recipe

if TYPE_CHECKING:
    from tutelage.lab import Comparison, Table


class Split(str, Enum):
    """Where arms are compared."""

    test = "test"
    validation = "validation"


class Reading(str, Enum):
    """At which epoch arms are compared."""

    last = "last"
    best = "best"


def compare(
    recipe: Recipe = DEFAULT_RECIPE,
    overrides: Overrides = None,
    methods: Annotated[
        str,
        typer.Option(
            metavar="ARM,ARM,...",
            help="Methods, options behind colons: dkd:alpha=8:beta=8.",
        ),
    ] = "ce,kd,dkd",
    seeds: Annotated[int, typer.Option(help="Seeds, from the recipe's own upwards.")] = 3,
    jobs: Annotated[
        int | None,
        typer.Option(help="Runs at a time; by default one for each core, or one on a GPU."),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Folder of the tables and the figure.")
    ] = None,
    split: Annotated[Split, typer.Option(help="Pictures that are read.")] = Split.test,
    reading: Annotated[
        Reading, typer.Option(help="Last epoch, or the one the validation split chose.")
    ] = Reading.last,
    control: Annotated[
        bool, typer.Option(help="Also train plain KD at the total weight of every other arm.")
    ] = True,
) -> None:
    """Compare methods over several seeds, in pairs, beside plain KD at the same total weight.

    An arm of the recipe's own method has the recipe's numbers, every other arm its method's own
    defaults. Runs that are there are not done again, and the same command goes on where it was
    interrupted.

    Examples:
        tutelage compare

        tutelage compare fashion-mnist train.epochs=10 --methods ce,dkd --seeds 5

        tutelage compare --methods dkd,dkd:alpha=8,kd:kd_weight=8:ce_weight=1 --seeds 10 --jobs 4
    """
    from tutelage import lab
    from tutelage.cli._progress import RunsReporter

    config = read_recipe(recipe, overrides)
    try:
        comparison = lab.compare(
            config,
            lab.split_arms(methods),
            seeds,
            jobs=jobs,
            control=control,
            split=split.value,
            reading=reading.value,
            reporter=RunsReporter(),
        )
    except KeyboardInterrupt:
        console().print("\nInterrupted. The same command goes on from here.")
        raise typer.Exit(130) from None
    name = Path(DEFAULT_RECIPE if "=" in recipe else recipe).stem
    files = lab.write(comparison, out or lab.folder_of(comparison, name))
    _tell(comparison)
    console().print(f"Written to {files[0].parent}: {', '.join(file.name for file in files)}")
    if comparison.failures:
        raise typer.Exit(1)


def _tell(comparison: "Comparison") -> None:
    """Print tables and notes."""
    from tutelage.lab import notes, tables

    out = console()
    for table in tables(comparison):
        if table.rows:
            out.print(_drawn(table))
    for line in notes(comparison):
        out.print(line, style="dim", markup=False)


def _drawn(table: "Table") -> object:
    from rich.box import SIMPLE_HEAD
    from rich.markup import escape
    from rich.table import Table as Drawn

    drawn = Drawn(title=table.title, title_justify="left", box=SIMPLE_HEAD, padding=(0, 0, 0, 1))
    for place, column in enumerate(table.columns):
        drawn.add_column(column, justify="left" if place < table.texts else "right")
    for row in table.rows:
        drawn.add_row(*map(escape, row))
    return drawn
