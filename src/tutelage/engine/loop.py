"""The loop: epochs of steps, each evaluated, recorded and kept, and gone on with after a crash."""

import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal

import torch
from lightning_fabric import Fabric

from tutelage.config import RunConfig
from tutelage.data import Split
from tutelage.data.mixing import mixed
from tutelage.data.views import epoch_batches
from tutelage.engine import checkpoint
from tutelage.engine.build import Built, build
from tutelage.engine.evaluate import Reading, evaluate
from tutelage.engine.measures import Hearer
from tutelage.engine.plan import Plan
from tutelage.engine.processes import over_processes
from tutelage.engine.report import Reporter
from tutelage.engine.schedule import learning_rate_factor
from tutelage.engine.step import step
from tutelage.engine.watch import Watch
from tutelage.errors import ConfigError, TeacherError
from tutelage.record import STUDENT_BEST, Evaluation, Row, RunWriter
from tutelage.types import Batch, Progress, Terms

Network = Literal["student", "teacher"]
SplitName = Literal["train", "validation", "test"]


@dataclass(slots=True)
class Clock:
    """How far a run has come, and what it knows of its way; saved in every checkpoint."""

    epoch: int = 1
    step_in_epoch: int = 0
    rows: int = 0  # lines of the record that belong to this state
    evaluations: int = 0
    train_seconds: float = 0.0
    evaluation_seconds: float = 0.0
    images: int = 0
    best_epoch: int = 0
    best_measure: float = -1.0  # of the task's own, see `Measured`


class Loop:
    """Trains what was built and writes into its run folder, the latter on the first process only.

    `writer` is None on every other process.
    """

    def __init__(
        self, built: Built, folder: Path, writer: RunWriter | None, reporter: Reporter
    ) -> None:
        self.built, self.folder, self.writer, self.reporter = built, folder, writer, reporter
        self.train, self.room, self.fabric = built.config.train, built.room, built.room.fabric
        self.clock = Clock()
        self.plan = Plan(
            count=len(built.data.train),
            size=self.train.batch_size,
            seed=self.train.seed,
            processes=self.fabric.world_size,
            rank=self.fabric.global_rank,
            parts=self.train.accumulate,
        )
        self._saved_at = time.monotonic()

    def resume(self) -> None:
        """Go back to the last checkpoint, dropping what was recorded after it."""
        path = self.folder / checkpoint.NAME
        if path.exists():
            plain = checkpoint.load(self.fabric, path, self._modules())
            self.clock = Clock(**plain["clock"])
            self._demand_same_teacher(plain["teacher_sha256"])
        if self.writer:
            self.writer.truncate_to(rows=self.clock.rows, evaluations=self.clock.evaluations)

    def run(self) -> None:
        """Train to the last epoch from wherever the clock stands.

        Raises:
            ConfigError: the train split is too small for a single step.
        """
        self._demand_step()
        clock, epochs = self.clock, self.train.epochs
        done = (clock.epoch - 1) * self.plan.steps + clock.step_in_epoch
        self.reporter.start(epochs, self.plan.steps, done)
        try:
            while clock.epoch <= epochs:
                self._epoch()
                if clock.epoch % self.train.evaluate_every == 0 or clock.epoch == epochs:
                    self._evaluate()
                clock.epoch, clock.step_in_epoch = clock.epoch + 1, 0
                self._save()
        finally:
            self.reporter.stop()

    def _epoch(self) -> None:
        clock, size = self.clock, self.train.batch_size
        self.room.student.network.train()
        dealt = self.plan.epoch(clock.epoch, clock.step_in_epoch)
        batches = self.batches([part for parts in dealt for part in parts])
        window = _Window()
        for _ in dealt:
            progress = self.progress()
            self.set_learning_rate(progress)
            count = min(size, self.plan.count - clock.step_in_epoch * size)
            clock.step_in_epoch += 1
            ends = clock.step_in_epoch == self.plan.steps
            observe = ends or clock.step_in_epoch % self.train.record_every == 0
            window.add(step(self.room, batches, count, progress, observe=observe), count)
            self.reporter.step()
            if observe:
                self._record(window, progress)
                window = _Window()
                # Only here, where no row is half full, so that a resumed record is the same too.
                if not ends and time.monotonic() - self._saved_at >= self.train.checkpoint_seconds:
                    self._save()

    def trial(self, count: int) -> Iterator[int]:
        """Take the run's first steps, and record nothing; yield each one's number of pictures.

        Raises:
            ConfigError: the train split is too small for a single step.
        """
        self._demand_step()
        self.room.student.network.train()
        while count:
            dealt = self.plan.epoch(self.clock.epoch)[:count]
            batches = self.batches([part for parts in dealt for part in parts])
            for parts in dealt:
                progress, size = self.progress(), sum(map(len, parts))
                self.set_learning_rate(progress)
                step(self.room, batches, size, progress, observe=False)
                self.clock.step_in_epoch += 1
                yield size
            count -= len(dealt)
            self.clock.epoch, self.clock.step_in_epoch = self.clock.epoch + 1, 0

    def batches(self, parts: list[torch.Tensor]) -> Iterator[Batch]:
        """Yield this process's batches, mixed, on its device, in the student's memory layout."""
        data, seed, epoch = self.built.config.data, self.train.seed, self.clock.epoch
        layout = torch.channels_last if self.train.channels_last else torch.contiguous_format
        for batch in epoch_batches(
            self.built.data.train,
            parts,
            epoch=epoch,
            recurring=data.views,
            split_seed=data.split_seed,
            seed=seed,
            workers=data.workers,
            views=self.room.method.views,
        ):
            images = batch.images.to(self.fabric.device, memory_format=layout, non_blocking=True)
            # Pictures are mixed on the device; what is drawn for them needs the index on the CPU.
            one = mixed(replace(batch, images=images), data.mixup, data.cutmix, seed, epoch)
            rest = ("target", "index", "second", "share")
            yield replace(one, **{name: self.fabric.to_device(getattr(one, name)) for name in rest})

    def progress(self) -> Progress:
        """Return where the run stands, before the next step."""
        clock = self.clock
        return Progress(
            epoch=clock.epoch,
            epochs=self.train.epochs,
            step=(clock.epoch - 1) * self.plan.steps + clock.step_in_epoch,
            steps_per_epoch=self.plan.steps,
            by_epoch=self.room.method.config.fidelity == "mdistiller",
        )

    def set_learning_rate(self, progress: Progress) -> None:
        """Give the optimiser the learning rate of this step."""
        factor = learning_rate_factor(self.built.config.schedule, progress)
        for group in self.room.optimizer.param_groups:
            group["lr"] = self.built.config.optimizer.lr * factor

    def _demand_step(self) -> None:
        if not self.plan.steps:
            raise ConfigError(
                f"an epoch needs at least one step, of two pictures for each of "
                f"{self.plan.processes * self.plan.parts} parts, but the train split holds "
                f"{self.plan.count}; take more pictures, or fewer devices or train.accumulate."
            )

    def _record(self, window: "_Window", progress: Progress) -> None:
        clock = self.clock
        means = {
            name: float(over_processes(self.fabric, torch.tensor(value), "mean"))
            for name, value in window.means().items()
        }
        seconds = time.perf_counter() - window.started
        clock.train_seconds, clock.images = (
            clock.train_seconds + seconds,
            clock.images + window.count,
        )
        clock.rows += 1
        p_t = means.get("p_t")
        terms = _named("term/", means)
        row = Row(
            epoch=clock.epoch,
            step=progress.step + 1,
            lr=self.room.optimizer.param_groups[0]["lr"],
            seconds=clock.train_seconds,
            images_per_second=window.count / seconds,
            loss=sum(terms.values()),
            terms=terms,
            gradient_share=_named("share/", means),
            gradient_norm=means["gradient_norm"],
            teacher_target_probability=p_t,
            teacher_rest_probability=None if p_t is None else 1 - p_t,
        )
        if self.writer:
            self.writer.add_row(row)
        self.reporter.recorded(row)

    def _evaluate(self) -> None:
        """Read the student on the validation split, and keep it if it is the best so far."""
        split, clock = self.built.data.validation, self.clock
        if split is None:
            return
        reading = self.read(self.room.student, split)
        self.note("student", "validation", reading, clock.epoch)
        self.reporter.evaluated(clock.epoch, reading)
        if reading.measure > clock.best_measure:
            clock.best_epoch, clock.best_measure = clock.epoch, reading.measure
            self.keep(STUDENT_BEST)

    def read(
        self, watch: Watch, split: Split, limit: int = 0, also: Hearer | None = None
    ) -> Reading:
        """Read a network, as it is now, on a split; `also` hears what it says."""
        reading = evaluate(
            self.fabric,
            watch,
            split,
            num_classes=self.built.data.spec.num_classes,
            task=self.built.data.spec.task,
            batch_size=2 * self.train.batch_size,
            workers=self.built.config.data.workers,
            limit=limit,
            also=also,
        )
        self.clock.evaluation_seconds += reading.seconds
        return reading

    def note(self, network: Network, split: SplitName, reading: Reading, epoch: int) -> Evaluation:
        """Record a reading made after `epoch` epochs."""
        return self.add(
            Evaluation(
                epoch=epoch,
                step=epoch * self.plan.steps,
                network=network,
                split=split,
                **asdict(reading),
            )
        )

    def add(self, evaluation: Evaluation) -> Evaluation:
        """Record an evaluation, and return it."""
        self.clock.evaluations += 1
        if self.writer:
            self.writer.add_evaluation(evaluation)
        return evaluation

    def keep(self, name: str) -> None:
        """Write the student's weights as they are now under `name` in the run folder."""
        weights = self.fabric.strategy.get_module_state_dict(self.room.student.network)
        if self.writer:
            checkpoint.save_weights(self.folder / name, weights)

    def _save(self) -> None:
        if self.writer:
            self.writer.mark()
        state = self._modules() | {
            "clock": asdict(self.clock),
            "teacher_sha256": self._teacher_sha256,
        }
        checkpoint.save(self.fabric, self.folder / checkpoint.NAME, state)
        self._saved_at = time.monotonic()

    @property
    def _teacher_sha256(self) -> str:
        return self.room.teacher.sha256 if self.room.teacher else ""

    def _demand_same_teacher(self, sha256: str) -> None:
        if sha256 != self._teacher_sha256:
            raise TeacherError(
                f"the run was begun under the teacher {sha256[:12] or 'none'} (SHA-256), and "
                f"cannot go on under {self._teacher_sha256[:12] or 'none'}: bring the first "
                f"teacher back, or begin a new run with another run.name."
            )

    def _modules(self) -> dict[str, Any]:
        room = self.room
        return {
            "student": room.student.network,
            "method": room.method,
            "optimizer": room.optimizer,
        }


def unrecorded(config: RunConfig, fabric: Fabric) -> Loop:
    """Return the loop of a run that writes nothing, to try its steps."""
    return Loop(build(config, fabric), Path(config.run.dir), None, Reporter())


class _Window:
    """The steps of one row: sums on the device, read once at the end."""

    def __init__(self) -> None:
        self.started = time.perf_counter()
        self.count = 0
        self._sums: Terms = {}
        self._counts: dict[str, int] = {}

    def add(self, report: Terms, count: int) -> None:
        self.count += count
        for name, value in report.items():
            self._sums[name] = self._sums.get(name, 0.0) + value.detach() * count
            self._counts[name] = self._counts.get(name, 0) + count

    def means(self) -> dict[str, float]:
        """Return the means over the pictures; what only some steps told, over those alone."""
        return {name: float(total) / self._counts[name] for name, total in self._sums.items()}


def _named(prefix: str, means: dict[str, float]) -> dict[str, float]:
    return {
        name.removeprefix(prefix): value for name, value in means.items() if name.startswith(prefix)
    }
