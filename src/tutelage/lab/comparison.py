"""A matrix of runs, and what it says: arms by seeds, read on one split, differences in pairs."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Literal

from tutelage.config import RunConfig, TeacherConfig, checked
from tutelage.engine import Reporter, find_run
from tutelage.engine.run import find_teacher, prepare, settled, teacher_config
from tutelage.engine.teach import teach_each
from tutelage.errors import ConfigError, RecordError, TeacherError
from tutelage.lab.matrix import Arm, make_arms, matrix_fingerprint, run_of, seeds_from
from tutelage.lab.statistics import PairedDifference, Spread, describe, paired_difference
from tutelage.lab.workers import carry_out, run_path
from tutelage.methods import methods
from tutelage.record import Evaluation, Result, Run, machine, read_run

SplitName = Literal["test", "validation"]
ReadingName = Literal["last", "best"]
Cell = tuple[str, int]
"""The label of an arm, and a seed."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ArmSummary:
    """An arm over its complete runs; shares are fractions, `loss` is in nats.

    A field is None where nothing was measured: without a complete run, without an arm to differ
    from, and of `last_top1` and `best_top1` where the runs have no such reading. What is called
    top-1 here is the task's own measure, `Comparison.measured`.
    """

    arm: Arm
    failed_seeds: tuple[int, ...]
    top1: Spread | None  # of the reading that the comparison is about
    last_top1: float | None  # mean at the last epoch
    best_top1: float | None  # mean at the epoch that the validation split chose
    loss: float | None  # mean, and so the next two
    calibration_error: float | None
    seconds: float | None
    step_seconds: float | None  # of one optimiser step, training alone
    extra_parameters: int | None  # that the method trains beside the student
    to_labels: PairedDifference | None  # top-1 minus that of the arm ce
    to_control: PairedDifference | None  # top-1 minus that of plain KD at the same total weight


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """Arms by seeds, all on the same data and from the same teacher; see `compare`."""

    config: RunConfig
    arms: tuple[Arm, ...]
    seeds: tuple[int, ...]
    split: SplitName
    reading: ReadingName
    controlled: bool  # whether missing controls were added
    jobs: int  # runs at a time
    teacher: TeacherConfig | None  # as it was found; None where no arm needs one
    runs: Mapping[Cell, Run]  # the complete ones
    failures: Mapping[Cell, str]  # what the others said

    @property
    def fingerprint(self) -> str:
        """8 hexadecimal digits that change with whatever is compared, and with how it is read."""
        configs = [run_of(self.config, arm, seed) for arm in self.arms for seed in self.seeds]
        return matrix_fingerprint(configs, self.split, self.reading)

    @property
    def labels_alone(self) -> str:
        """The label of the first arm of method ce, empty if there is none."""
        return next((arm.label for arm in self.arms if arm.method.name == "ce"), "")

    @cached_property
    def summaries(self) -> tuple[ArmSummary, ...]:
        """What each arm came to, in the order of the arms."""
        return tuple(map(self._summary, self.arms))

    @cached_property
    def measured(self) -> str:
        """What arms are compared by: top-1, or the own measure of another task."""
        found = filter(None, map(self.evaluation, self.runs))
        return next((evaluation.measured for evaluation in found), "top-1")

    @cached_property
    def teacher_reading(self) -> Evaluation | None:
        """The teacher on the split of the comparison; None if no run read it there."""
        return next(
            (
                evaluation
                for run in self.runs.values()
                for evaluation in run.evaluations
                if (evaluation.network, evaluation.split) == ("teacher", self.split)
            ),
            None,
        )

    def evaluation(self, cell: Cell, reading: ReadingName | None = None) -> Evaluation | None:
        """Return a reading of one run, or None if the run is not there or has no such reading."""
        if cell not in self.runs:
            return None
        result = result_of(self.runs[cell])
        readings: dict[tuple[str, str], Evaluation | None] = {
            ("last", "test"): result.last_test,
            ("best", "test"): result.best_test,
            ("last", "validation"): result.last_validation,
            ("best", "validation"): result.best_validation,
        }
        return readings[reading or self.reading, self.split]

    def top1(self, label: str, reading: ReadingName | None = None) -> dict[int, float]:
        """Return the top-1 (see `measured`) of an arm by seed, of its complete runs."""
        found = ((seed, self.evaluation((label, seed), reading)) for seed in self.seeds)
        return {seed: evaluation.measure for seed, evaluation in found if evaluation}

    def difference(self, label: str, other: str) -> PairedDifference | None:
        """Return the top-1 of one arm minus that of another, over the seeds that both have."""
        mine, its = self.top1(label), self.top1(other)
        both = [seed for seed in self.seeds if seed in mine and seed in its]
        if label == other or not both:
            return None
        return paired_difference([mine[seed] for seed in both], [its[seed] for seed in both])

    def _summary(self, arm: Arm) -> ArmSummary:
        label = arm.label
        top1 = list(self.top1(label).values())
        runs = [self.runs[label, seed] for seed in self.seeds if (label, seed) in self.runs]
        return ArmSummary(
            arm=arm,
            failed_seeds=tuple(seed for seed in self.seeds if (label, seed) in self.failures),
            top1=describe(top1) if top1 else None,
            last_top1=_mean(self.top1(label, "last").values()),
            best_top1=_mean(self.top1(label, "best").values()),
            loss=self._mean_reading(label, lambda evaluation: evaluation.loss),
            calibration_error=self._mean_reading(
                label, lambda evaluation: evaluation.calibration_error
            ),
            seconds=_mean(result_of(run).seconds for run in runs),
            step_seconds=_mean(
                self.config.train.batch_size / result_of(run).images_per_second for run in runs
            ),
            extra_parameters=result_of(runs[0]).extra_parameters if runs else None,
            to_labels=self.difference(label, self.labels_alone),
            to_control=self.difference(label, arm.control),
        )

    def _mean_reading(self, label: str, value: Callable[[Evaluation], float]) -> float | None:
        evaluations = (self.evaluation((label, seed)) for seed in self.seeds)
        return _mean(value(evaluation) for evaluation in evaluations if evaluation)


def compare(
    config: RunConfig,
    arms: Sequence[str] = ("ce", "kd", "dkd"),
    seeds: int = 3,
    *,
    jobs: int | None = None,
    control: bool = True,
    split: SplitName = "test",
    reading: ReadingName = "last",
    reporter: Reporter | None = None,
) -> Comparison:
    """Train a student by each arm from each of `seeds` seeds, and compare in pairs.

    The seeds are those from the recipe's own upwards. One seed means the same first weights, order
    of pictures and augmentation for every arm, so that arms are compared seed by seed. `arms` are
    as `tutelage.lab.make_arms` reads them: it says what an arm inherits, and which `control` is
    added. The teacher is found or trained once, before anything else, and asked
    once where ``teacher.cache`` says so. The runs are ordinary runs in
    ``run.dir``: those that are complete are taken as they are, unfinished ones are gone on with. At
    most `jobs` run at a time, each in its own process with its share of the cores; by default one
    for each core, or one in all if there is a GPU.

    A run that fails does not stop the others: see `Comparison.failures`.

    Raises:
        ConfigError: an arm, a number or the recipe is not what it should be.
        TeacherError: the teacher is not there, or its training failed.
        RecordError: runs saw different data or teachers, or have no such reading.
    """
    if split not in ("test", "validation") or reading not in ("last", "best"):
        raise ConfigError(
            f"a comparison reads split test or validation at epoch last or best, got {split!r} "
            f"and {reading!r}."
        )
    reporter = reporter or Reporter()
    config = checked(config)
    made = make_arms(config, arms, control=control)
    taught = [arm for arm in made if methods[arm.method.name].needs_teacher]
    if taught:  # a cache may say how many views there are, and that is for all arms
        views = settled(run_of(config, taught[0], config.train.seed)).data.views
        config = replace(config, data=replace(config.data, views=views))
    matrix = {
        (arm.label, seed): run_of(config, arm, seed)
        for arm in made
        for seed in seeds_from(config, seeds)
    }
    jobs, threads = _shares(config, jobs, len(matrix))
    teacher = _meet_teacher(config, reporter) if taught else None
    if teacher and teacher.cache:
        asked = replace(config, teacher=teacher)
        teach_each([run_of(asked, arm, config.train.seed) for arm in taught], reporter)
    reporter.note(
        f"{len(made)} arms ({', '.join(arm.label for arm in made)}) x {seeds} seeds = "
        f"{len(matrix)} runs, {jobs} at a time."
    )
    cells = list(matrix)
    failed = carry_out(list(matrix.values()), jobs=jobs, threads=threads, reporter=reporter)
    failures = {cells[place]: message for place, message in failed.items()}
    comparison = Comparison(
        config=config,
        arms=made,
        seeds=seeds_from(config, seeds),
        split=split,
        reading=reading,
        controlled=control,
        jobs=jobs,
        teacher=teacher,
        runs={cell: read_run(run_path(matrix[cell])) for cell in cells if cell not in failures},
        failures=failures,
    )
    _refuse_mixtures(comparison)
    return comparison


def folder_of(comparison: Comparison, name: str) -> Path:
    """Return where a comparison is written unless another place is asked for."""
    return Path(comparison.config.run.dir) / f"compare-{name}-{comparison.fingerprint}"


def result_of(run: Run) -> Result:
    """Return the result of a run that is known to be complete."""
    assert run.result is not None
    return run.result


def _shares(config: RunConfig, jobs: int | None, runs: int) -> tuple[int, int]:
    """Return how many runs go at a time, and how many CPU threads each gets."""
    import torch

    if jobs is not None and jobs < 1:
        raise ConfigError(f"jobs wants a whole number of at least 1, got {jobs}; 1 is one by one.")
    cores = machine(threads=1).cores
    on_gpu = config.fabric.accelerator != "cpu" and torch.cuda.is_available()
    jobs = min(jobs or (1 if on_gpu else cores), runs)
    return jobs, max(1, cores // (jobs * config.fabric.devices))


def _meet_teacher(config: RunConfig, reporter: Reporter) -> TeacherConfig:
    """Return the teacher that every run will find; train it, where that was asked for."""
    section = config.teacher
    if section == TeacherConfig():
        raise ConfigError(
            "these arms need a teacher, and the recipe names none: set teacher.weights, or "
            "teacher.recipe, or compare arms that need none, such as ce."
        )
    if section.recipe and not section.weights and section.train:
        recipe = prepare(teacher_config(config))
        if find_run(recipe) is None:
            reporter.note(f"First the teacher, {recipe.student.name}; it is kept for next time.")
            # In a process of its own, as all runs: it may be one of several that train together.
            failures = carry_out([recipe], jobs=1, threads=0, reporter=reporter)
            if failures:
                raise TeacherError(f"the teacher could not be trained: {failures[0]}")
    return find_teacher(config, reporter)


def _refuse_mixtures(comparison: Comparison) -> None:
    """Refuse runs that no pair can be made of: from other data, another teacher, or unread."""
    results = {run.id: result_of(run) for run in comparison.runs.values()}
    _refuse_many("data", {name: result.data_fingerprint for name, result in results.items()})
    _refuse_many(
        "a teacher",
        {name: result.teacher_sha256 for name, result in results.items() if result.teacher_sha256},
    )
    unread = [cell for cell in comparison.runs if comparison.evaluation(cell) is None]
    if unread:
        raise RecordError(
            f"the comparison wants the {comparison.reading} epoch on the {comparison.split} split, "
            f"and these runs were not read so, for want of a validation split: "
            f"{', '.join(comparison.runs[cell].id for cell in unread)}. Compare the last epoch on "
            f"the test split, or give data.validation."
        )


def _refuse_many(what: str, hashes: Mapping[str, str]) -> None:
    groups: dict[str, list[str]] = {}
    for name, sha256 in hashes.items():
        groups.setdefault(sha256, []).append(name)
    if len(groups) > 1:
        told = "; ".join(f"{sha256[:12]} in {', '.join(names)}" for sha256, names in groups.items())
        raise RecordError(
            f"runs that are compared must share {what}, and these do not (SHA-256): {told}. It was "
            f"changed after some of them: move those away, or give another run.dir."
        )


def _mean(values: Iterable[float]) -> float | None:
    values = list(values)
    return sum(values) / len(values) if values else None
