"""`tutelage distill` and `tutelage train`."""

from typing import TYPE_CHECKING, Annotated

import typer

from tutelage.cli._common import DEFAULT_RECIPE, Overrides, Recipe, console, read_recipe

if TYPE_CHECKING:
    from tutelage.config import RunConfig
    from tutelage.record import Run

Resume = Annotated[
    bool, typer.Option("--resume", help="Go on with this run where it was interrupted.")
]
Devices = Annotated[
    int | None, typer.Option(help="Processes, one device each: short for fabric.devices=N.")
]
Strategy = Annotated[
    str | None, typer.Option(help="ddp, fsdp ...: short for fabric.strategy=NAME.")
]
Imports = Annotated[
    list[str] | None,
    typer.Option("--import", metavar="FILE", help="Python file with own methods or networks."),
]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Show errors alone.")]


def distill(
    recipe: Recipe = DEFAULT_RECIPE,
    overrides: Overrides = None,
    resume: Resume = False,
    devices: Devices = None,
    strategy: Strategy = None,
    imports: Imports = None,
    quiet: Quiet = False,
) -> None:
    """Teach a student by a teacher.

    Alone it runs the built-in default: a teacher of 100 printed characters is trained once, then a
    small student by DKD, in a few minutes on a laptop.

    Examples:
        tutelage distill

        tutelage distill method.beta=4 method.temperature=2

        tutelage distill cifar100-resnet32x4-resnet8x4 data.root=data teacher.weights=r32x4.pth

        tutelage distill glyphs100 --resume
    """
    config = read_recipe(recipe, overrides, *_flags(devices, strategy, imports))
    done = _carry_out(config, resume=resume, quiet=quiet)
    if not quiet:
        _tell(done, _labels_alone(done))


def train(
    recipe: Recipe = "glyphs100-teacher",
    overrides: Overrides = None,
    resume: Resume = False,
    devices: Devices = None,
    strategy: Strategy = None,
    imports: Imports = None,
    quiet: Quiet = False,
) -> None:
    """Train a network on labels alone: a teacher to be, or what students are measured against.

    Examples:
        tutelage train

        tutelage train cifar100-resnet32x4 data.root=data

        tutelage train fashion-mnist student.name=resnet14 optimizer.lr=0.1
    """
    from tutelage.config import override

    config = read_recipe(recipe, overrides, *_flags(devices, strategy, imports))
    if config.method.name != "ce":
        config = override(config, ["method.name=ce"])
    done = _carry_out(config, resume=resume, quiet=quiet)
    if not quiet:
        _tell(done, None)


def _flags(devices: int | None, strategy: str | None, imports: list[str] | None) -> list[str]:
    import json

    given = {"fabric.devices": devices, "fabric.strategy": strategy, "run.imports": imports or None}
    return [f"{key}={json.dumps(value)}" for key, value in given.items() if value is not None]


def _carry_out(config: "RunConfig", *, resume: bool, quiet: bool) -> "Run":
    from tutelage.cli._progress import ProgressReporter
    from tutelage.engine import Reporter, run

    try:
        return run(config, resume=resume, reporter=Reporter() if quiet else ProgressReporter())
    except KeyboardInterrupt:
        console().print("\nInterrupted. The same command with --resume goes on from here.")
        raise typer.Exit(130) from None


def _labels_alone(done: "Run") -> "Run | None":
    """Return the run of the same student on labels alone: found, or trained if so configured."""
    from tutelage.config import override
    from tutelage.engine import find_run

    if done.config.method.name == "ce":
        return None
    plain = ["optimizer.name=sgd"] if done.config.optimizer.name in ("dot", "deepkd") else []
    alone = override(done.config, ["method.name=ce", "run.name=", *plain])
    if done.config.run.labels_alone and not find_run(alone):
        console().print("For comparison, the same student on labels alone.")
        return _carry_out(alone, resume=True, quiet=False)
    return find_run(alone)


def _tell(done: "Run", alone: "Run | None") -> None:
    """Print what came of it, where it lies and what to try next."""
    from tutelage.cli._tables import result_table

    out = console()
    out.print(result_table(done, alone))
    if done.result and done.result.teacher_seconds_saved is not None:
        saved = done.result.teacher_seconds_saved
        out.print(f"The teacher's answers came from a cache, which saved {saved:,.1f} s of asking.")
    out.print(f"Everything is in {done.path}: tutelage show {done.path}")
    for line in _next_steps(done, alone):
        out.print(line, style="dim")


def _next_steps(done: "Run", alone: "Run | None") -> list[str]:
    config, last = done.config, done.result and done.result.last_test
    of_pixels = last and last.mean_iou is not None  # which are not exported
    ship = [] if of_pixels else [f"Ship it: tutelage export {done.path} --format onnx"]
    if config.method.name == "ce":
        return [f"Teach with it: tutelage distill RECIPE teacher.weights={done.path}", *ship]
    steps = [
        "Is it the method or its weight? tutelage compare --methods ce,kd,dkd --seeds 3",
        *ship,
    ]
    if alone is None:
        steps.insert(0, f"What labels alone give: tutelage train {done.path} run.name=")
    return steps
