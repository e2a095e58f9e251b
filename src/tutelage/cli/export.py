"""`tutelage export`."""

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tutelage.cli._common import RunArgument, console, find_folder

if TYPE_CHECKING:
    from tutelage.engine.export import Shape


def export(
    run: RunArgument,
    form: Annotated[str, typer.Option("--format", help="safetensors, onnx or pt2.")],
    out: Annotated[
        Path | None, typer.Option(help="The file; else it is named after the run, here.")
    ] = None,
    which: Annotated[str, typer.Option(help="The student at its last or best epoch.")] = "last",
    runs: Annotated[str, typer.Option("--dir", help="The folder of all runs.")] = "runs",
    data: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="Other data, such as data.root=PATH."),
    ] = None,
    picture: Annotated[
        str | None,
        typer.Option(
            "--input", metavar="CxHxW", help="Size of a picture, where the data are not there."
        ),
    ] = None,
) -> None:
    """Write the student of a run to a file that others can run, and check the file by running it.

    Classes, normalisation, input size and the run's id stand in the file's metadata.

    Examples:
        tutelage export runs/my-run --format onnx

        tutelage export runs/my-run --format pt2 --which best --out student.pt2
    """
    from tutelage.engine.export import export as write

    inside = Path(runs) / run
    folder = inside if (inside / "run.toml").is_file() else find_folder(run)
    shape = _shape(picture) if picture else None
    with console().status("Writing and checking"):
        done = write(folder, form, out, which=which, overrides=data or [], input_shape=shape)
    out_of = done.difference / done.scale if done.scale else 0.0
    console().print(
        f"Wrote {done.path} ({done.size_bytes:,} bytes), the student at its {which} epoch.\n"
        f"Checked on {done.count} pictures of {done.pictures}\n"
        f"Largest difference of a logit: {done.difference:.3g}, {out_of:.2g} of the largest "
        f"({done.scale:.4g}); every class is the same.",
        markup=False,
        soft_wrap=True,
    )


def _shape(text: str) -> "Shape":
    from tutelage.errors import ConfigError

    match = re.fullmatch(r"([1-9]\d*)x([1-9]\d*)x([1-9]\d*)", text)
    if match is None:
        raise ConfigError(
            f"--input is channels, height and width, such as 3x32x32; it is {text!r}."
        )
    return int(match[1]), int(match[2]), int(match[3])
