"""Runs as claims, and runs that come, grow and go while they are watched."""

import json
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import cast

import pytest

from tutelage.config import (
    DataConfig,
    MethodConfig,
    RunConfig,
    RunPlace,
    StudentConfig,
    TeacherConfig,
    TrainConfig,
)
from tutelage.graph.lineage import run_claims
from tutelage.graph.literature import shipped_claims
from tutelage.graph.model import LINK_KINDS, Claim, LinkClaim, NodeClaim
from tutelage.graph.store import Origin, Store
from tutelage.graph.watch import Watch
from tutelage.record import Evaluation, Machine, Result, Row, RunWriter, read_run

MACHINE = Machine(platform="", processor="", accelerator="cpu", cores=1, threads=1)


def evaluation(network: str, split: str, top1: float, epoch: int = 0) -> Evaluation:
    told = {"network": network, "split": split, "top1": top1, "epoch": epoch}
    rest = {"step": 0, "top5": 1.0, "loss": 0.0, "calibration_error": 0.0, "count": 9}
    return Evaluation(**told, **rest, seconds=0.0)  # type: ignore[arg-type]


def begun(runs: Path, name: str, teacher: str = "", method: str = "dkd") -> RunWriter:
    """A run that has just been begun."""
    section = TeacherConfig(name="resnet32x4" if teacher else "", weights=teacher)
    config = RunConfig(
        data=DataConfig(name="glyphs100"),
        teacher=section,
        student=StudentConfig(name="resnet8x4"),
        method=MethodConfig(name=method),
        train=TrainConfig(epochs=3, seed=4),
        run=RunPlace(dir=str(runs), name=name),
    )
    return RunWriter.create(runs / name, config)


def finish(writer: RunWriter, *, teacher: str | None = None, sha256: str = "5") -> None:
    """Bring a run to its end, right on 70 % of the test split, and its teacher on 75 %."""
    for each in (evaluation("student", "test", 0.7, 3), evaluation("teacher", "test", 0.75)):
        writer.add_evaluation(each)
    result = Result(
        run=writer.path.name,
        seed=4,
        epochs=3,
        steps=30,
        last_test=evaluation("student", "test", 0.7, 3),
        seconds=60.0,
        images_per_second=1.0,
        student_parameters=1234,
        config_fingerprint="c",
        data_fingerprint="d",
        student_sha256=sha256,
        teacher_sha256="state-of-the-teacher" if teacher else None,
        teacher_run=teacher,
        commit="",
        versions={},
        machine=MACHINE,
        started=writer.started,
        finished=writer.started,
    )
    writer.finish(result)
    writer.close()


def nodes(claims: Iterable[Claim], kind: str) -> list[NodeClaim]:
    return [claim for claim in claims if isinstance(claim, NodeClaim) and claim.kind == kind]


def links(claims: Iterable[Claim]) -> list[LinkClaim]:
    return [claim for claim in claims if isinstance(claim, LinkClaim)]


def test_a_run_is_linked_to_its_teacher_method_data_and_student(tmp_path: Path) -> None:
    finish(begun(tmp_path, "teacher", method="ce"), sha256="the-teacher")
    teacher = str(tmp_path / "teacher")
    finish(begun(tmp_path, "mine", teacher), teacher=teacher, sha256="the-student")
    claims = run_claims(read_run(tmp_path / "mine"))
    by_id = {key: c for c in claims if isinstance(c, NodeClaim) for key in c.ids}
    ends = {link.kind: (by_id[link.source], by_id[link.target]) for link in links(claims)}
    assert set(ends) == {"teaches", "uses", "trains_on", "produces"}
    for kind, (source, target) in ends.items():
        assert (source.kind, target.kind) == (LINK_KINDS[kind].source, LINK_KINDS[kind].target)
    run = ends["uses"][0]
    assert run.facts["command"] == f"tutelage distill {tmp_path / 'mine'} run.name=again"
    assert (run.facts["accuracy"], run.facts["accuracy_teacher"]) == (0.7, 0.75)
    assert (run.facts["state"], run.facts["epochs_done"]) == ("complete", 3)
    assert ends["uses"][1].ids == ("method:dkd",)
    assert "model:sha256:the-student" in ends["produces"][1].ids
    # The teacher is the very model that its own run produced.
    made = nodes(run_claims(read_run(tmp_path / "teacher")), "model")[0]
    assert set(made.ids) < set(ends["teaches"][0].ids)
    assert made.label == ends["teaches"][0].label


def test_a_method_is_claimed_by_a_run_as_the_toolkit_claims_it(tmp_path: Path) -> None:
    begun(tmp_path, "sum", method="dkd+reviewkd").close()
    claimed = nodes(run_claims(read_run(tmp_path / "sum")), "method")
    shipped = [claim for told in shipped_claims().values() for claim in nodes(told, "method")]
    assert [claim.ids for claim in claimed] == [("method:dkd",), ("method:reviewkd",)]
    assert all(claim in shipped for claim in claimed)


def test_a_teacher_from_a_file_is_the_model_whose_run_wrote_that_file(tmp_path: Path) -> None:
    from tutelage.record import file_sha256

    writer = begun(tmp_path, "first", method="ce")
    weights = tmp_path / "first" / "student.safetensors"
    weights.write_bytes(b"weights")
    finish(writer, sha256=file_sha256(weights))
    copy = tmp_path / "copy.safetensors"
    shutil.copy(weights, copy)
    begun(tmp_path, "second", str(copy)).close()
    made = nodes(run_claims(read_run(tmp_path / "first")), "model")[0]
    _, teacher = nodes(run_claims(read_run(tmp_path / "second")), "model")
    assert set(teacher.ids) & set(made.ids)


def test_two_runs_under_one_teacher_name_one_model_even_when_its_file_is_gone(
    tmp_path: Path,
) -> None:
    told = []
    for name in ("one", "two"):
        finish(begun(tmp_path, name, "gone.pth"), teacher="elsewhere/gone")
        told.append(nodes(run_claims(read_run(tmp_path / name)), "model")[1])
    assert set(told[0].ids) & set(told[1].ids) == {"model:state:state-of-the-teacher"}
    assert told[0].label == "resnet32x4"


def test_runs_that_were_moved_together_find_their_teacher_again(tmp_path: Path) -> None:
    finish(begun(tmp_path / "old", "teacher", method="ce"))
    finish(begun(tmp_path / "old", "mine", "runs/teacher"), teacher="runs/teacher")
    (tmp_path / "old").rename(tmp_path / "new")
    teacher = nodes(run_claims(read_run(tmp_path / "new" / "mine")), "model")[1]
    assert teacher.ids[0] == "model:run:teacher"


def test_a_teacher_from_another_folder_is_not_taken_for_a_run_of_this_one(tmp_path: Path) -> None:
    finish(begun(tmp_path / "theirs", "same", method="ce"), sha256="theirs")
    teacher = str(tmp_path / "theirs" / "same")
    finish(begun(tmp_path / "ours", "same", teacher), teacher=teacher, sha256="ours")
    student, its = nodes(run_claims(read_run(tmp_path / "ours" / "same")), "model")
    assert not set(student.ids) & set(its.ids)


def test_an_unfinished_run_tells_how_far_it_is_and_how_to_go_on(tmp_path: Path) -> None:
    with begun(tmp_path, "half") as writer:
        writer.add_evaluation(evaluation("teacher", "validation", 0.8))
        writer.add_evaluation(evaluation("student", "validation", 0.4, 1))
        writer.add_evaluation(evaluation("student", "validation", 0.6, 2))
        facts = nodes(run_claims(read_run(tmp_path / "half")), "run")[0].facts
    assert (facts["state"], facts["epochs_done"], facts["epochs"]) == ("unfinished", 2, 3)
    assert (facts["accuracy"], facts["split"]) == (0.6, "validation")
    assert facts["accuracy_teacher"] == 0.8
    assert str(facts["command"]).endswith("half --resume")


class Memory:
    """What `Watch` needs of a store."""

    def __init__(self) -> None:
        self.told: dict[str, list[Claim]] = {}
        self.reads = 0

    def origins(self) -> list[Origin]:
        return [Origin(key=key, label=key) for key in self.told]

    def replace(self, origin: Origin, claims: Iterable[Claim]) -> bool:
        self.reads += 1
        before, self.told[origin.key] = self.told.get(origin.key), list(claims)
        return before != self.told[origin.key]

    def remove(self, origin: str) -> None:
        del self.told[origin]


def watch(runs: Path, memory: Memory) -> Watch:
    return Watch(cast("Store", memory), runs)


def test_a_run_is_followed_from_its_beginning_to_its_end_and_out_of_the_folder(
    tmp_path: Path,
) -> None:
    memory = Memory()
    watching = watch(tmp_path / "runs", memory)
    assert not watching.sync()  # there is no folder yet
    writer = begun(tmp_path / "runs", "mine")
    assert watching.sync()
    assert not watching.sync()
    writer.add_evaluation(evaluation("student", "validation", 0.4, 1))
    assert watching.sync()
    assert nodes(memory.told["run:mine"], "run")[0].facts["epochs_done"] == 1
    row = Row(epoch=2, step=9, lr=0.1, seconds=1, images_per_second=1, loss=1, terms={})
    writer.add_row(row)
    assert not watching.sync()  # read, but nothing of the graph moved
    finish(writer)
    assert watching.sync()
    assert nodes(memory.told["run:mine"], "run")[0].facts["state"] == "complete"
    shutil.rmtree(tmp_path / "runs" / "mine")
    assert watching.sync()
    assert memory.told == {}


def test_what_did_not_change_is_not_read_again(tmp_path: Path) -> None:
    memory = Memory()
    for name in ("a", "b"):
        begun(tmp_path, name).close()
    watching = watch(tmp_path, memory)
    watching.sync()
    begun(tmp_path, "c").close()
    watching.sync()
    assert memory.reads == 3


def test_runs_deleted_while_nobody_watched_go_and_other_origins_stay(tmp_path: Path) -> None:
    memory = Memory()
    memory.told = {"run:gone": [], "shipped:dkd": [], "import:file": []}
    assert watch(tmp_path, memory).sync()
    assert set(memory.told) == {"shipped:dkd", "import:file"}


def test_a_run_that_cannot_be_read_is_there_with_the_reason(tmp_path: Path) -> None:
    finish(begun(tmp_path, "good"))
    finish(begun(tmp_path, "bad"))
    (tmp_path / "bad" / "result.json").write_text("{")
    finish(begun(tmp_path, "newer"))
    newer = tmp_path / "newer" / "result.json"
    newer.write_text(json.dumps(json.loads(newer.read_text()) | {"schema": 99}))
    begun(tmp_path, "line").close()
    (tmp_path / "line" / "evaluations.jsonl").write_text("no json\n{}\n")
    begun(tmp_path, "bytes").close()
    (tmp_path / "bytes" / "run.toml").write_bytes(b"\xff\xfe")
    (tmp_path / "a file").write_text("")
    (tmp_path / "no run").mkdir()
    memory = Memory()
    watch(tmp_path, memory).sync()
    notes = {key: nodes(claims, "run")[0].facts.get("note") for key, claims in memory.told.items()}
    assert notes.pop("run:good") is None
    assert set(notes) == {"run:bad", "run:newer", "run:line", "run:bytes"}
    assert "is broken" in str(notes["run:bad"])
    assert "newer version" in str(notes["run:newer"])
    assert "line 1" in str(notes["run:line"])
    assert len(links(memory.told["run:line"])) == 3  # its configuration is whole


def test_a_store_that_was_busy_gets_the_runs_at_the_next_look(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tutelage.errors import GraphBusyError

    begun(tmp_path, "mine").close()
    memory = Memory()
    watching = watch(tmp_path, memory)
    with monkeypatch.context() as busy:

        def refuse(*_: object) -> bool:
            raise GraphBusyError("later")

        busy.setattr(memory, "replace", refuse)
        with pytest.raises(GraphBusyError):
            watching.sync()
    assert watching.sync()
    assert set(memory.told) == {"run:mine"}
