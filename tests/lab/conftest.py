from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tutelage.config import (
    MethodConfig,
    RunConfig,
    RunPlace,
    StudentConfig,
    TeacherConfig,
    TrainConfig,
    fingerprint,
)
from tutelage.engine import Reporter
from tutelage.lab.workers import run_path
from tutelage.record import Evaluation, Machine, Result, RunWriter, state, utc

Top1 = Callable[[RunConfig], float]


@pytest.fixture
def config(tmp_path: Path) -> RunConfig:
    weights = tmp_path / "teacher.safetensors"
    return RunConfig(
        student=StudentConfig(name="glyph_student"),
        teacher=TeacherConfig(name="glyph_teacher", weights=str(weights)),
        method=MethodConfig(name="dkd", options={"temperature": 2.0, "warmup_epochs": 3.0}),
        train=TrainConfig(epochs=4, seed=5),
        run=RunPlace(dir=str(tmp_path / "runs")),
    )


@dataclass
class Trainer:
    """Stands in for the worker processes: writes whole run folders whose readings are given."""

    top1: Top1
    data: Callable[[RunConfig], str] = lambda config: "d" * 64
    teacher: Callable[[RunConfig], str] = lambda config: "t" * 64
    validated: bool = True
    failing: Mapping[int, str] = field(default_factory=dict)
    trained: list[RunConfig] = field(default_factory=list)

    def carry_out(
        self, configs: Sequence[RunConfig], *, jobs: int, threads: int, reporter: Reporter
    ) -> dict[int, str]:
        for place, config in enumerate(configs):
            if place not in self.failing and state(run_path(config)) != "complete":
                self.trained.append(config)
                self._finish(config)
        return dict(self.failing)

    def _finish(self, config: RunConfig) -> None:
        taught = config.method.name != "ce"
        with RunWriter.create(run_path(config), config) as writer:
            last, best = self._reading(config, 0.0), self._reading(config, 0.01)
            writer.add_evaluation(last)
            if taught:
                writer.add_evaluation(self._reading(config, 0.2, "teacher"))
            writer.finish(
                Result(
                    run=run_path(config).name,
                    seed=config.train.seed,
                    epochs=config.train.epochs,
                    steps=100,
                    last_test=last,
                    best_test=best if self.validated else None,
                    seconds=30.0,
                    images_per_second=1000.0,
                    student_parameters=6076,
                    teacher_parameters=278_116 if taught else None,
                    config_fingerprint=fingerprint(config),
                    data_fingerprint=self.data(config),
                    student_sha256="s" * 64,
                    teacher_sha256=self.teacher(config) if taught else None,
                    commit="c" * 40,
                    versions={"python": "3.10.0"},
                    machine=Machine(
                        platform="p", processor="abacus", accelerator="cpu", cores=2, threads=1
                    ),
                    started=utc(),
                    finished=utc(),
                )
            )

    def _reading(self, config: RunConfig, more: float, network: str = "student") -> Evaluation:
        return Evaluation(
            epoch=config.train.epochs,
            step=100,
            split="test",
            network="teacher" if network == "teacher" else "student",
            top1=self.top1(config) + more,
            top5=1.0,
            loss=0.5,
            calibration_error=0.04,
            count=256,
            seconds=0.1,
        )


@pytest.fixture
def trainer(monkeypatch: pytest.MonkeyPatch) -> Trainer:
    """Runs whose top-1 is 0.5 for ce, 0.6 for kd, 0.7 for dkd, and 0.01 more a seed above 5."""

    def top1(config: RunConfig) -> float:
        return {"ce": 0.5, "kd": 0.6, "dkd": 0.7}[config.method.name] + (
            config.train.seed - 5
        ) / 100

    made = Trainer(top1)
    monkeypatch.setattr("tutelage.lab.comparison.carry_out", made.carry_out)
    return made
