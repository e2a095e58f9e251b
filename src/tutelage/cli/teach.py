"""`tutelage teach`."""

from typing import TYPE_CHECKING, Annotated

import typer

from tutelage.cli._common import DEFAULT_RECIPE, Overrides, Recipe, console, read_recipe

if TYPE_CHECKING:
    from tutelage.teachers import Cache


def teach(
    recipe: Recipe = DEFAULT_RECIPE,
    overrides: Overrides = None,
    views: Annotated[
        int | None,
        typer.Option(help="Views of each picture, shown in turn: short for data.views=K."),
    ] = None,
    form: Annotated[
        str | None,
        typer.Option(
            metavar="FORM",
            help="fp32, fp16, int8, top<k> or draws<k>: short for teacher.form=FORM.",
        ),
    ] = None,
    verify: Annotated[
        bool, typer.Option("--verify", help="Check every file of the cache by its SHA-256.")
    ] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Show errors alone.")] = False,
) -> None:
    """Ask the teacher once about several views of every picture, and keep what it says.

    Runs with teacher.cache=auto read the answers, and run no teacher. The same command goes on
    where it was interrupted.

    Examples:
        tutelage teach --views 4

        tutelage teach cifar100-resnet32x4-resnet8x4 data.root=data --views 8 --form int8

        tutelage teach --views 4 --verify
    """
    from tutelage.cli._progress import ProgressReporter
    from tutelage.engine import Reporter
    from tutelage.engine.teach import teach as ask

    flags = [] if views is None else [f"data.views={views}"]
    if form is not None:
        flags += [f"teacher.form={form}", "teacher.cache=auto"]
    config = read_recipe(recipe, overrides, *flags)
    try:
        cache = ask(config, reporter=Reporter() if quiet else ProgressReporter())
    except KeyboardInterrupt:
        console().print("\nInterrupted. The same command goes on from here.")
        raise typer.Exit(130) from None
    if verify:
        cache.verify()
    if not quiet:
        _tell(cache, recipe if "=" not in recipe else DEFAULT_RECIPE, verified=verify)


def _tell(cache: "Cache", recipe: str, *, verified: bool) -> None:
    """Print what lies where, and how to use it."""
    key, out = cache.key, console()
    seconds = cache.picture_seconds * key.pictures * key.views
    out.print(
        f"{cache.path} holds what {key.teacher} says of {key.views} views of {key.pictures:,} "
        f"pictures: {cache.bytes / 1e6:,.1f} MB, {cache.form.dtype.itemsize} bytes each "
        f"({key.form}), asked in {seconds:,.1f} s.",
        markup=False,
    )
    if verified:
        out.print("Every file is as it was written.")
    form = "" if key.form == "fp32" else f" teacher.form={key.form}"
    use = f"tutelage distill {recipe} teacher.cache=auto{form} data.views={key.views}"
    out.print(f"Learn from it: {use}", style="dim")
