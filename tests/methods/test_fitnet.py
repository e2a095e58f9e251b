from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor

from tutelage.errors import ConfigError
from tutelage.methods.fitnet import FitNet
from tutelage.types import Terms


def middle(*shape: int) -> dict[str, Tensor]:
    generator = torch.Generator().manual_seed(sum(shape))
    return {"middle": torch.randn(2, *shape, generator=generator)}


def made(*shapes: tuple[int, ...], fidelity: str) -> FitNet:
    torch.manual_seed(0)
    config = FitNet.Config(fidelity=fidelity)  # type: ignore[arg-type]
    student, teacher = ({"logits": (10,), "middle": shape} for shape in shapes)
    return FitNet(config, student, teacher)


def test_it_is_100_mean_squares_of_what_a_linear_map_of_each_position_misses(
    distill: Callable[..., Terms],
) -> None:
    student, teacher = middle(3, 4, 4), middle(5, 4, 4)
    method = made((3, 4, 4), (5, 4, 4), fidelity="paper")
    weight, bias = (parameter.detach().numpy() for parameter in method.fit.parameters())
    predicted = np.einsum("oc,bchw->bohw", weight[:, :, 0, 0], student["middle"].numpy())
    missed = predicted + bias[:, None, None] - teacher["middle"].numpy()
    torch.manual_seed(0)
    loss = distill(FitNet, student, teacher)["fitnet"]
    assert float(loss.detach()) == pytest.approx(100 * np.mean(missed**2), rel=1e-5)


@pytest.mark.parametrize(
    ("student", "kernel"), [((8, 16, 16), 1), ((8, 32, 32), 3), ((8, 8, 8), 4), ((8, 18, 18), 3)]
)
def test_that_of_mdistiller_predicts_each_of_its_sizes_with_a_batch_norm_and_a_relu(
    student: tuple[int, ...], kernel: int, distill: Callable[..., Terms]
) -> None:
    teacher = (12, 16, 16)
    method = made(student, teacher, fidelity="mdistiller")
    count = sum(each.numel() for each in method.parameters())
    assert count == 8 * 12 * kernel**2 + 12 + 2 * 12
    predicted = method.fit(middle(*student)["middle"])
    assert predicted.shape == (2, *teacher)
    assert predicted.min() == 0
    assert distill(FitNet, middle(*student), middle(*teacher), fidelity="mdistiller")


def test_only_mdistiller_refuses_a_student_far_smaller(distill: Callable[..., Terms]) -> None:
    student, teacher = middle(3, 2, 2), middle(3, 8, 8)
    assert distill(FitNet, student, teacher)["fitnet"] > 0
    with pytest.raises(ConfigError, match="Use fidelity=paper"):
        distill(FitNet, student, teacher, fidelity="mdistiller")
