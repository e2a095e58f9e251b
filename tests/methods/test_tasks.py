"""KD and DKD where a picture has more than one label."""

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from tutelage import Distiller
from tutelage.errors import ConfigError
from tutelage.methods import methods
from tutelage.methods.kd import KD
from tutelage.types import Task


def distiller(method: str, task: Task, classes: int = 5, **options: Any) -> Distiller:
    torch.manual_seed(0)
    student, teacher = (
        nn.Conv2d(1, classes, 2, 2)
        if task == "pixels"
        else nn.Sequential(nn.Flatten(), nn.Linear(16, classes))
        for _ in range(2)
    )
    return Distiller(student, teacher, method, image_shape=(1, 4, 4), task=task, **options)


def batch(task: Task) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(1)
    images = 3 * torch.randn(6, 1, 4, 4, generator=generator)
    if task == "labels":
        target = torch.randint(-1, 2, (6, 5), generator=generator).float()
    else:
        target = torch.randint(5, (6, 4, 4), generator=generator)
        target[:, 0] = -100
    return images, target


@pytest.mark.parametrize("task", ["labels", "pixels"])
def test_dkd_of_equal_weights_is_kd_of_that_weight(task: Task) -> None:
    coupling: dict[str, Any] = {"coupling": 1.0} if task == "pixels" else {}
    one = distiller("dkd", task, alpha=3.0, beta=3.0, **coupling)(*batch(task))
    other = distiller("kd", task, kd_weight=3.0)(*batch(task))
    parts = torch.stack([term for name, term in one.items() if name != "ce"])
    torch.testing.assert_close(parts.sum(), other["kd"])
    torch.testing.assert_close(one["ce"], other["ce"] * 10)


@pytest.mark.parametrize("task", ["labels", "pixels"])
@pytest.mark.parametrize("method", ["ce", "kd", "dkd", "kd+dkd"])
def test_the_terms_reach_the_student(method: str, task: Task) -> None:
    one = distiller(method, task)
    torch.stack(list(one(*batch(task)).values())).sum().backward()
    assert all(
        parameter.grad is not None and parameter.grad.abs().sum() > 0
        for parameter in one.student.parameters()
    )


@pytest.mark.parametrize("classes", [1, 2])
def test_one_and_two_labels_are_enough_for_dkd(classes: int) -> None:
    images, target = batch("labels")
    terms = distiller("dkd", "labels", classes)(images, target[:, :classes])
    assert {"present", "absent"} < set(terms)


def test_two_classes_of_pixels_are_too_few_for_dkd() -> None:
    with pytest.raises(ConfigError, match="at least three classes, got 2"):
        distiller("dkd", "pixels", 2)


@pytest.mark.parametrize(
    ("method", "option", "message"),
    [("dkd", {"coupling": 0.5}, "coupling must be 0"), ("kd", {"standardise": True}, "sigmoids")],
)
def test_an_option_that_means_nothing_for_labels_is_refused(
    method: str, option: dict[str, Any], message: str
) -> None:
    with pytest.raises(ConfigError, match=message):
        distiller(method, "labels", **option)


def test_a_subclass_says_itself_which_tasks_it_knows() -> None:
    class Changed(KD):
        """KD, changed."""

    assert {*KD.tasks} == {"classes", "labels", "pixels"}
    assert {*Changed.tasks} == {"classes"}


def test_a_sum_knows_the_tasks_that_all_its_parts_know(monkeypatch: pytest.MonkeyPatch) -> None:
    assert methods["kd+dkd"].tasks == ("classes", "labels", "pixels")
    monkeypatch.setattr(methods["kd"], "tasks", ("classes", "pixels"))
    from tutelage.methods._sum import sum_of

    assert sum_of.__wrapped__("dkd", "kd").tasks == ("classes", "pixels")
