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
    import shlex

    from tutelage.cli._progress import ProgressReporter
    from tutelage.config import override
    from tutelage.engine import Reporter
    from tutelage.engine.teach import teach as ask

    config = read_recipe(recipe, overrides)
    form = form or config.teacher.form
    own = [f"teacher.cache={config.teacher.cache or 'auto'}"]
    own += [f"teacher.form={form}"] if form != "fp32" else []
    own += [f"data.views={views or config.data.views}"]
    config = override(config, own)
    try:
        made = ask(config, reporter=Reporter() if quiet else ProgressReporter())
    except KeyboardInterrupt:
        console().print("\nInterrupted. The same command goes on from here.")
        raise typer.Exit(130) from None
    if verify:
        made.verify()
    if not quiet:
        keys = tuple(key.partition("=")[0] + "=" for key in own)
        given = [word for word in (recipe, *(overrides or [])) if not word.startswith(keys)]
        _tell(made, shlex.join(["tutelage", "distill", *given, *own]), verified=verify)


def _tell(cache: "Cache", use: str, *, verified: bool) -> None:
    """Print what lies where, and by which command it is used."""
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
    out.print(f"Learn from it: {use}", style="dim", markup=False)
