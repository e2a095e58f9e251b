"""`tutelage import`."""

from enum import Enum
from pathlib import Path
from typing import Annotated

import typer

from tutelage.cli._common import console


class Source(str, Enum):
    """Whose configurations can be imported."""

    mdistiller = "mdistiller"


def importing(
    source: Annotated[Source, typer.Argument(help="The project it comes from.")],
    path: Annotated[Path, typer.Argument(metavar="CONFIG", help="Its configuration, a YAML file.")],
    out: Annotated[
        Path | None, typer.Option(help="The TOML file to write; else it is printed.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Write over a file.")] = False,
) -> None:
    """Write the recipe that equals another project's configuration.

    mdistiller's numbers, those it takes silently from its defaults too, its networks under their
    names here, and `method.fidelity = "mdistiller"`, which follows its code where that departs from
    the papers.

    Examples:
        tutelage import mdistiller configs/cifar100/dkd/res32x4_res8x4.yaml

        tutelage import mdistiller configs/cifar100/crd.yaml --out crd.toml
    """
    from tutelage.bridge import read
    from tutelage.errors import ConfigError

    recipe = read(path)
    text = recipe.toml(path.name)
    if out is None:
        typer.echo(text, nl=False)
        return
    if out.exists() and not force:
        raise ConfigError(f"{out} is there already; give another --out, or --force.")
    try:
        out.write_text(text, encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"{out} could not be written: {error.strerror or error}.") from error
    told = console()
    told.print(f"Wrote {out}. Try it: tutelage doctor {out}", markup=False, soft_wrap=True)
    for note in recipe.heed:
        told.print(note, markup=False, soft_wrap=True)
