"""`tutelage evaluate`."""

from typing import Annotated

import typer

from tutelage.cli._common import RunArgument, console, find_folder


def evaluate(
    run: RunArgument,
    split: Annotated[str, typer.Option(help="train, validation or test.")] = "validation",
    which: Annotated[str, typer.Option(help="The student at its last or best epoch.")] = "last",
    data: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="Other data, such as data.root=PATH."),
    ] = None,
) -> None:
    """Read the student of a run on a split, again or on other data.

    Examples:
        tutelage evaluate runs/my-run

        tutelage evaluate runs/my-run --split test --which best --set data.name=npz
    """
    from rich.table import Table

    from tutelage.engine.reread import reread

    reading = reread(find_folder(run), split=split, which=which, overrides=data or [])
    table = Table(title=f"{run}, {which} epoch, {split} split", title_justify="left")
    own = [] if reading.measured == "top-1" else [reading.measured]
    for name in (*own, "top-1", "top-5", "loss", "calibration error", "pictures", "seconds"):
        table.add_column(name, justify="right")
    table.add_row(
        *(f"{reading.measure:.2%}" for _ in own),
        f"{reading.top1:.2%}",
        f"{reading.top5:.2%}",
        f"{reading.loss:.4f}",
        f"{reading.calibration_error:.2%}",
        f"{reading.count:,}",
        f"{reading.seconds:.1f}",
    )
    console().print(table)
