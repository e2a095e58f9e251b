"""What the configuration alone tells: the run folder, the schedule, the devices."""

import math
from dataclasses import replace
from pathlib import Path

from lightning_fabric import Fabric

from tutelage.config import FabricConfig, RunConfig, fingerprint, run_id
from tutelage.engine.doctor.chart import Chart
from tutelage.engine.plan import Plan
from tutelage.engine.run import make_fabric, prepare
from tutelage.record import read_run, state


def look_at_place(chart: Chart, config: RunConfig) -> None:
    """Say what is where the run would be written."""
    path = Path(config.run.dir) / run_id(config)
    now = state(path)
    if now == "new":
        chart.ok("run folder", f"{path} is free.")
    elif fingerprint(prepare(read_run(path).config)) != fingerprint(config):
        chart.error(
            "run folder",
            f"{path} holds a run of another configuration.",
            "Give another run.name.",
        )
    elif now == "complete":
        chart.ok("run folder", f"{path} is complete already: its record would be shown again.")
    else:
        chart.warn("run folder", f"{path} is there, unfinished.", "Go on with it by --resume.")


def look_at_schedule(chart: Chart, config: RunConfig) -> None:
    """Say what the learning rate and the distillation terms do in the epochs there are."""
    schedule, epochs = config.schedule, config.train.epochs
    chart.ok("schedule", f"{epochs} epochs, {schedule.name}, lr {config.optimizer.lr:g}.")
    late = [stone for stone in schedule.milestones if stone >= epochs]
    if schedule.name == "multistep" and (late or not schedule.milestones):
        never = len(late) == len(schedule.milestones)
        chart.warn(
            "schedule",
            f"in {epochs} epochs the learning rate "
            + ("never drops" if never else f"does not drop at {late}")
            + f": schedule.milestones is {list(schedule.milestones)}.",
            "Set milestones below train.epochs, or schedule.name=cosine.",
        )
    ramps = {
        "schedule.warmup_epochs": schedule.warmup_epochs,
        "method.warmup_epochs": config.method.options.get("warmup_epochs", 0.0),
    }
    for key, warmup in ramps.items():
        if isinstance(warmup, int | float) and warmup > epochs:
            chart.warn(
                "schedule",
                f"the warm-up is longer than the training: {key} is {warmup:g}, and after {epochs} "
                f"epochs it has come to {epochs / warmup:.0%}.",
                f"Lower {key}.",
            )


def alone(config: RunConfig) -> RunConfig:
    """Return what a single process of the run does: it, with its share of each batch."""
    processes = config.fabric.devices * config.fabric.nodes
    return replace(
        config,
        fabric=replace(config.fabric, devices=1, nodes=1, strategy="auto"),
        train=replace(config.train, batch_size=math.ceil(config.train.batch_size / processes)),
    )


def one_process(chart: Chart, config: RunConfig) -> tuple[RunConfig, Fabric]:
    """Return what a single process of the run does, and its fabric.

    Where the asked-for device or precision is not there, the rest is looked at with what is.
    """
    processes, single = config.fabric.devices * config.fabric.nodes, alone(config)
    fabric = chart.attempt("devices", make_fabric, single)
    if fabric is None:
        single = replace(
            single, fabric=FabricConfig(), train=replace(single.train, precision="32-true")
        )
        fabric = make_fabric(single)
    others = f"; looked at with one of {processes} processes" if processes > 1 else ""
    chart.ok("devices", f"{fabric.device.type}, precision {single.train.precision}{others}.")
    return single, fabric


def plan(config: RunConfig, count: int) -> Plan:
    """Return how the run deals `count` pictures to its processes and parts."""
    return Plan(
        count=count,
        size=config.train.batch_size,
        seed=config.train.seed,
        processes=config.fabric.devices * config.fabric.nodes,
        parts=config.train.accumulate,
    )
