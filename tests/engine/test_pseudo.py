"""Pictures without a label: who is named by the teacher, who is left out, and what remains."""

import math
from dataclasses import replace
from typing import cast

import numpy as np
import pytest
import torch
from lightning_fabric import Fabric
from numpy.typing import NDArray
from scipy.special import softmax
from torch import Tensor, nn

from tutelage.config import RunConfig, check, override
from tutelage.engine import run
from tutelage.engine.pseudo import labelled
from tutelage.engine.step import Classroom, step
from tutelage.engine.teacher import Teacher
from tutelage.engine.watch import Watch
from tutelage.methods import methods
from tutelage.types import UNLABELLED, Batch, Output, Progress, Terms

NONE = UNLABELLED
PROGRESS = Progress(epoch=1, epochs=1, step=0, steps_per_epoch=1)
IMAGES = torch.randn(6, 1, 2, 2, generator=torch.Generator().manual_seed(3))


def batch(target: list[int], second: list[int] | None = None, views: int = 1) -> Batch:
    count = len(target)
    return Batch(
        torch.arange(views * count).float()[:, None, None, None],
        torch.tensor(target),
        torch.arange(count),
        None if second is None else torch.tensor(second),
        None if second is None else torch.full([count], 0.7),
    )


def output(logits: list[list[float]]) -> Output:
    tensor = torch.tensor(logits)
    rows = torch.arange(len(tensor)).float()
    return Output(tensor, {"stage1": rows[:, None], "classifier": torch.ones(2, 3)})


SURE, UNSURE = [0.0, 5.0], [0.1, 0.0]


def test_a_sure_teacher_names_the_picture_and_an_unsure_one_leaves_it_out() -> None:
    said = output([SURE, SURE, UNSURE, UNSURE])
    student, teacher, rest, count = labelled(said, said, batch([0, NONE, NONE, 1]), 0.9)
    assert count == 3
    assert teacher is not None
    assert rest.target.tolist() == [0, 1, 1]
    assert rest.index.tolist() == rest.images.flatten().tolist() == [0, 1, 3]
    assert student.taps["stage1"].flatten().tolist() == [0, 1, 3]
    assert student.taps["classifier"].shape == (2, 3)
    assert torch.equal(teacher.logits, said.logits[[0, 1, 3]])


def test_without_a_teacher_pictures_without_a_label_are_left_out() -> None:
    student, teacher, rest, count = labelled(output([SURE] * 3), None, batch([0, NONE, 1]), 0.0)
    assert (teacher, count, rest.target.tolist()) == (None, 2, [0, 1])
    assert len(student.logits) == 2


def test_every_view_of_a_picture_goes_with_it() -> None:
    said = output([SURE, UNSURE, SURE, UNSURE])
    student, _, rest, count = labelled(said, said, batch([NONE, NONE], views=2), 0.9)
    assert (count, rest.target.tolist(), rest.images.flatten().tolist()) == (1, [1], [0, 2])
    assert student.taps["stage1"].flatten().tolist() == [0, 2]


def test_of_a_mixed_picture_both_labels_must_be_known() -> None:
    said = output([SURE] * 3)
    _, _, rest, _ = labelled(said, said, batch([0, NONE, 0], second=[1, 0, NONE]), 0.0)
    assert rest.second is not None
    assert rest.target.tolist() == [0, 1, 1]
    assert rest.second.tolist() == [1, 1, 1]


def classroom(method: str, parts: int, confidence: float) -> tuple[Classroom, nn.Linear, nn.Linear]:
    torch.manual_seed(0)
    student, teacher = nn.Linear(4, 3, bias=False), nn.Linear(4, 3, bias=False)
    fabric, kind = Fabric(accelerator="cpu", devices=1), methods[method]
    shapes, options = {"logits": (3,)}, {"temperature": 1.0} if method == "kd" else {}
    optimizer = torch.optim.SGD(student.parameters(), lr=1.0)
    room = Classroom(
        fabric=fabric,
        student=Watch(fabric.setup_module(nn.Sequential(nn.Flatten(), student))),
        teacher=Teacher(nn.Sequential(nn.Flatten(), teacher)) if kind.needs_teacher else None,
        method=kind(check(kind.Config, options, where=""), shapes, shapes),
        optimizer=cast(torch.optim.Optimizer, fabric.setup_optimizers(optimizer)),
        clip_norm=math.inf,
        parts=parts,
        unlabelled=True,
        confidence=confidence,
    )
    return room, student, teacher


def taken(room: Classroom, target: list[int]) -> Terms:
    """Take one step on all pictures, dealt to the parts in turn."""
    whole = torch.arange(6)
    parts = [whole[part :: room.parts] for part in range(room.parts)]
    batches = [Batch(IMAGES[part], torch.tensor(target)[part], part) for part in parts]
    return step(room, iter(batches), 6, PROGRESS, observe=True)


def array(tensor: Tensor) -> NDArray[np.float64]:
    return tensor.detach().double().numpy()


@pytest.mark.parametrize("parts", [1, 2, 3])
@pytest.mark.parametrize("method", ["ce", "kd"])
def test_the_gradient_is_a_mean_over_the_pictures_that_count(method: str, parts: int) -> None:
    """By hand: softmax minus label, and softmax minus the teacher's, times the pictures."""
    target = [2, NONE, 0, NONE, NONE, NONE]
    room, student, teacher = classroom(method, parts, confidence := 0.5)
    pictures = array(IMAGES.flatten(1))
    before, said = array(student.weight), softmax(pictures @ array(teacher.weight).T, axis=1)
    told = taken(room, target)
    known = np.array(target) >= 0
    keep = known | ((method == "kd") & (said.max(1) >= confidence))
    assert 2 < keep.sum() < 6 or method == "ce"
    label = np.eye(3)[np.where(known, target, said.argmax(1))]
    answer = softmax(pictures @ before.T, axis=1)
    pull = answer - label if method == "ce" else 0.1 * (answer - label) + 0.9 * (answer - said)
    wanted = pull[keep].T @ pictures[keep] / keep.sum()
    np.testing.assert_allclose(before - array(student.weight), wanted, atol=1e-6)
    hard = -(np.log(answer) * label).sum(1)[keep].mean()
    weight = 1.0 if method == "ce" else 0.1
    assert float(told["term/ce"]) == pytest.approx(weight * hard, abs=1e-6)
    assert float(told["gradient_norm"]) == pytest.approx(np.linalg.norm(wanted), rel=1e-5)


@pytest.mark.parametrize("method", ["ce", "kd", "dkd"])
def test_a_batch_of_which_nothing_counts_moves_nothing(method: str) -> None:
    room, student, _ = classroom(method, 2, confidence=1.0)
    before = student.weight.detach().clone()
    told = taken(room, [NONE] * 6)
    assert torch.equal(student.weight, before)
    assert all(float(value) == 0 for value in told.values())


def test_with_every_label_there_a_step_is_the_plain_one() -> None:
    steps = []
    for unlabelled in (False, True):
        room, student, _ = classroom("kd", 2, 0.9)
        taken(replace(room, unlabelled=unlabelled), [0, 1, 2, 0, 1, 2])
        steps.append(student.weight.detach())
    torch.testing.assert_close(*steps)


@pytest.mark.parametrize("validation", [0.0, 0.2])
def test_a_run_with_hidden_labels_reads_every_picture_that_has_one(
    config: RunConfig, validation: float
) -> None:
    teacher = run(override(config, [f"data.validation={validation}"]))
    options = [f"data.validation={validation}", f"teacher.weights={teacher.path}"]
    hidden = ["data.unlabelled=0.75", "teacher.confidence=0.3"]
    by_all = run(override(config, ["method.name=dkd", *options]))
    by_few = run(override(config, ["method.name=dkd", *options, *hidden]))
    first = by_few.evaluations[0]
    assert (first.network, first.count) == ("teacher", 60 if validation else 75)
    assert all(math.isfinite(row.loss) for row in by_few.rows)
    assert by_few.result is not None
    assert by_all.result is not None
    assert by_few.result.data_fingerprint != by_all.result.data_fingerprint
    assert by_few.result.student_sha256 != by_all.result.student_sha256
