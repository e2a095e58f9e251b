"""`tutelage profile`."""

from typing import TYPE_CHECKING, Annotated

import typer

from tutelage.cli._common import DEFAULT_RECIPE, Overrides, Recipe, console, read_recipe

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.table import Table

    from tutelage.engine.profile import Profile


def profile(
    recipe: Recipe = DEFAULT_RECIPE,
    overrides: Overrides = None,
    steps: Annotated[int, typer.Option(min=2, help="Steps that are timed.")] = 20,
    as_json: Annotated[bool, typer.Option("--json", help="Print it as JSON alone.")] = False,
) -> None:
    """Tell what a training step costs, stage by stage, and what would make it cheaper.

    Real steps of the run are taken, by networks that are thrown away; what would help is tried.
    Nothing is written.

    Examples:
        tutelage profile

        tutelage profile cifar100-resnet32x4-resnet8x4 train.precision=bf16-mixed --steps 10
    """
    config = read_recipe(recipe, overrides)
    out = console()
    with out.status("Loading torch") as status:
        from tutelage.engine.profile import profile

        found = profile(config, steps=steps, heard=lambda told: status.update(told.capitalize()))
    if as_json:
        _print_json(found)
        return
    out.print(_table(found))
    for line in _story(found):
        out.print(line)


def _print_json(found: "Profile") -> None:
    import json
    from dataclasses import asdict

    typer.echo(json.dumps(asdict(found), indent=2))


def _table(found: "Profile") -> "Table":
    from rich.table import Table

    table = Table("stage")
    for name in ("ms, median", "quartiles", "share"):
        table.add_column(name, justify="right")
    rows = [(stage.name, stage.milliseconds, stage.share) for stage in found.stages]
    for name, spread, share in [*rows, ("in all", found.milliseconds, 1.0)]:
        if name == "in all":
            table.add_section()
        quartiles = f"{spread.low:.2f} to {spread.high:.2f}"
        table.add_row(name, f"{spread.median:.2f}", quartiles, f"{share:.1%}")
    return table


def _story(found: "Profile") -> "Iterator[str]":
    pace, layout = found.pace, "last" if found.channels_last else "first"
    yield (
        f"One step of {found.pictures} pictures, by {found.steps} of them: {found.device}, "
        f"{found.precision}, channels {layout}, {found.threads} of {found.cores} cores."
    )
    yield f"{found.images_per_second:,.0f} pictures a second."
    yield (
        f"Convolutions and linear layers are {pace.gigaflops:.3g} GFLOP a step; at the "
        f"{pace.matmul_gigaflops_per_second:,.0f} GFLOP/s of a large matrix product that would be "
        f"{pace.milliseconds:.3g} ms, {pace.milliseconds / found.milliseconds.median:.0%} of what "
        f"it takes."
    )
    yield from found.notes
    for hint in found.hints:
        how = "measured" if hint.measured else "reckoned"
        yield f"[bold]{hint.change}[/bold]: {hint.times:.2f} times as fast, {how}: {hint.why}."
    if not found.hints:
        yield "Nothing that was tried makes a step quicker."
