"""`tutelage list`."""

from collections.abc import Iterator
from enum import Enum
from pathlib import Path
from typing import Annotated

import typer

from tutelage.cli._common import console
from tutelage.errors import ConfigError


class Kind(str, Enum):
    """What there is a list of."""

    methods = "methods"
    models = "models"
    data = "data"
    recipes = "recipes"
    runs = "runs"
    keys = "keys"


def listing(
    kind: Annotated[Kind, typer.Argument(help="What to list; keys are those of a recipe.")],
    name: Annotated[
        str, typer.Argument(metavar="[METHOD]", help="Of methods: list the options of this one.")
    ] = "",
    folder: Annotated[Path, typer.Option("--dir", help="The folder of runs.")] = Path("runs"),
) -> None:
    """List methods or the options of one, networks, data sets, recipes, runs or recipe keys.

    Examples:
        tutelage list methods

        tutelage list methods dkd

        tutelage list runs --dir runs
    """
    from rich.table import Table

    if name and kind != Kind.methods:
        raise ConfigError(f"a name goes with methods alone: tutelage list methods {name}.")
    header, rows = {
        Kind.methods: (("method", "kind", "paper", "what it does"), _methods),
        Kind.models: (("network", "family", "stages"), _models),
        Kind.data: (("data set", "what it is", "augmentation"), _data),
        Kind.recipes: (("recipe", "what it is"), _recipes),
        Kind.runs: (("run", "state", "begun", "top-1, last epoch, test"), lambda: _runs(folder)),
        Kind.keys: (("key", "default", "wanted", "what it is"), _keys),
    }[kind]
    if name:
        header, rows = ("option", "default", "wanted", "what it is"), lambda: _options(name)
    table = Table(*header)
    for row in rows():
        table.add_row(*row)
    console().print(table)


def _methods() -> Iterator[tuple[str, ...]]:
    from tutelage.methods import methods

    for name in methods:
        method = methods[name]
        paper = method.paper.short if method.paper else ""
        yield name, method.kind, paper, (method.__doc__ or "").splitlines()[0]


def _options(method: str) -> Iterator[tuple[str, ...]]:
    from tutelage.config import describe
    from tutelage.methods import methods

    for key in describe(methods[method].Config):
        yield key.name, key.default, key.wanted, key.help


def _models() -> Iterator[tuple[str, ...]]:
    from tutelage.models import models

    for name in models:
        yield name, models[name].family, ", ".join(models[name].stages)
    yield "torchvision/NAME", "torchvision", ""
    yield "timm/NAME", "timm", ""
    yield "package.module:function", "your own", ""


def _data() -> Iterator[tuple[str, ...]]:
    from tutelage.data import datasets

    for name in datasets:
        yield name, datasets[name].summary, datasets[name].policy


def _recipes() -> Iterator[tuple[str, ...]]:
    from tutelage.config import recipes

    for recipe in recipes().values():
        yield recipe.name, recipe.summary


def _runs(folder: Path) -> Iterator[tuple[str, ...]]:
    from tutelage.record import list_runs

    for run in list_runs(folder):
        reading = run.result.last_test if run.result else None
        measure = f"{reading.measure:.2%}" if reading else "-"
        if reading and reading.measured != "top-1":
            measure += f" {reading.measured}"
        yield run.id, run.state, run.started[:19].replace("T", " "), measure


def _keys() -> Iterator[tuple[str, ...]]:
    from tutelage.config import describe

    for key in describe():
        yield key.name, key.default, key.wanted, key.help
