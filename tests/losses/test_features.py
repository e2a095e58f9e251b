"""What every loss between features keeps, whatever it compares."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from tutelage.errors import ShapeError
from tutelage.losses import (
    angle_relation_loss,
    attention_loss,
    correlation_congruence_loss,
    distance_relation_loss,
    neuron_selectivity_loss,
    probability_transfer_loss,
    similarity_preserving_loss,
    singular_vector_loss,
)

Loss = Callable[[Tensor, Tensor], Tensor]


def _two_stages(student: Tensor, teacher: Tensor) -> Tensor:
    return singular_vector_loss([student, student[:, :, 1:]], [teacher, teacher[:, :, 1:]])


LOSSES: dict[str, Loss] = {
    "attention": attention_loss,
    "neuron_selectivity": neuron_selectivity_loss,
    "similarity_preserving": similarity_preserving_loss,
    "probability_transfer": probability_transfer_loss,
    "distance_relation": distance_relation_loss,
    "angle_relation": angle_relation_loss,
    "correlation_congruence": correlation_congruence_loss,
    "singular_vector": _two_stages,
}


@pytest.fixture(params=list(LOSSES))
def loss(request: pytest.FixtureRequest) -> Loss:
    return LOSSES[request.param]


def features(batch: int = 5, dtype: torch.dtype = torch.float64) -> tuple[Tensor, Tensor]:
    """Return a student's maps of 3 channels and a teacher's of 4, of different sizes."""
    generator = torch.Generator().manual_seed(0)
    student = torch.randn(batch, 3, 4, 3, generator=generator, dtype=torch.float64)
    teacher = torch.randn(batch, 4, 5, 4, generator=generator, dtype=torch.float64)
    return student.to(dtype), teacher.to(dtype)


def test_its_gradient_is_the_slope_of_its_value(loss: Loss) -> None:
    student, teacher = features()
    assert torch.autograd.gradcheck(lambda x: loss(x, teacher), student.requires_grad_())


def test_no_gradient_reaches_the_teacher(loss: Loss) -> None:
    student, teacher = (each.requires_grad_() for each in features())
    loss(student, teacher).backward()
    assert student.grad is not None
    assert teacher.grad is None


def test_the_scale_of_a_feature_is_not_seen(loss: Loss) -> None:
    _, teacher = features()
    value = loss(3 * teacher, teacher)
    torch.testing.assert_close(value, torch.zeros_like(value), rtol=0, atol=1e-14)


@pytest.mark.parametrize("dead", [slice(0, 1), slice(0, 2), slice(None)])
def test_pictures_without_a_feature_keep_the_gradient_finite_and_of_ordinary_size(
    loss: Loss, dead: slice
) -> None:
    student, teacher = features(dtype=torch.float32)
    student[dead] = 0
    loss(student.requires_grad_(), teacher).backward()
    assert student.grad is not None
    assert student.grad.abs().max() < 10  # also not nan


def test_pictures_alike_to_the_last_bit_keep_the_gradient_finite(loss: Loss) -> None:
    student, teacher = features(dtype=torch.float32)
    student[1:3] = student[0]
    loss(student.requires_grad_(), teacher).backward()
    assert student.grad is not None
    assert student.grad.isfinite().all()


def test_one_picture_alone_gives_a_finite_loss_and_gradient(loss: Loss) -> None:
    student, teacher = features(batch=1)
    value = loss(student.requires_grad_(), teacher)
    value.backward()
    assert student.grad is not None
    assert (student.grad.isfinite() & value.isfinite()).all()


def test_half_precision_and_autocast_do_not_narrow_it(loss: Loss) -> None:
    student, teacher = (each.half() for each in features())
    wide = loss(student.double(), teacher.double()).float()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        narrow = loss(student, teacher)
    assert narrow.dtype == torch.float32
    torch.testing.assert_close(narrow, wide, rtol=1e-3, atol=1e-6)


def test_features_of_different_pictures_are_refused(loss: Loss) -> None:
    student, teacher = features()
    with pytest.raises(ShapeError, match="must have seen the same pictures"):
        loss(student[:1], teacher)
