"""What the commands share: their arguments, the recipe they mean, and how a table is told."""

import os
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from pathlib import Path

    from rich.console import Console

    from tutelage.config import RunConfig

DEFAULT_RECIPE = "glyphs100"

Recipe = Annotated[
    str,
    typer.Argument(
        metavar="[RECIPE]",
        help="A name that `tutelage list recipes` shows, a TOML file or a run folder.",
    ),
]
Overrides = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="[KEY=VALUE]...", help="Keys of the recipe set anew, such as method.beta=4."
    ),
]


def read_recipe(recipe: str, overrides: list[str] | None, *more: str) -> "RunConfig":
    """Return the run that the arguments of a command describe.

    A first argument that is an assignment belongs to the default recipe.
    """
    from tutelage.config import load

    assignments = [*(overrides or []), *more]
    if "=" in recipe:
        recipe, assignments = DEFAULT_RECIPE, [recipe, *assignments]
    return load(recipe, assignments)


def first_process() -> bool:
    """Say whether this process is the one that talks, of those that train together."""
    return all(os.environ.get(name, "0") == "0" for name in ("LOCAL_RANK", "NODE_RANK", "RANK"))


def console() -> "Console":
    """Return the console that results are printed on; other processes than the first are mute."""
    from rich.console import Console

    return Console(quiet=not first_process(), highlight=False)


RunArgument = Annotated[
    str, typer.Argument(metavar="RUN", help="A run folder, or its name among the runs.")
]


def find_folder(run: str) -> "Path":
    """Return the folder of a run given by its path or by its name in ``runs``.

    Raises:
        RecordError: there is none; the message names the nearest.
    """
    from pathlib import Path

    from tutelage.errors import RecordError, did_you_mean

    for folder in (Path(run), Path("runs") / run):
        if (folder / "run.toml").is_file():
            return folder
    there = [path.parent.name for path in Path("runs").glob("*/run.toml")]
    raise RecordError(
        f"there is no run {run!r}; `tutelage list runs` shows those there are."
        f"{did_you_mean(run, there)}"
    )
