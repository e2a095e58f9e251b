import math

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from tutelage import Distiller
from tutelage.config import RunConfig, override
from tutelage.engine import Reporter, run
from tutelage.errors import ConfigError
from tutelage.methods.crd import CRD
from tutelage.record import STUDENT
from tutelage.types import Batch, Output, Progress

WARM = Progress(epoch=2, epochs=2, step=9, steps_per_epoch=5)
SHAPES = {"logits": (3,), "pooled": (6,)}
TARGETS = torch.arange(30) % 3


def method(*, crd_weight: float = 1.0, momentum: float = 0.5) -> CRD:
    torch.manual_seed(0)
    config = CRD.Config(
        crd_weight=crd_weight,
        dimensions=4,
        negatives=50,
        momentum=momentum,
        contrast_temperature=0.5,
    )
    made = CRD(config, SHAPES, SHAPES)
    made.enrol(TARGETS)
    return made


def outputs(index: Tensor) -> tuple[Output, Output, Batch]:
    generator = torch.Generator().manual_seed(3)
    student, teacher = (
        Output(
            torch.zeros(len(index), 3), {"pooled": torch.randn(30, 6, generator=generator)[index]}
        )
        for _ in range(2)
    )
    return student, teacher, Batch(torch.zeros(len(index), 3, 2, 2), TARGETS[index], index)


def test_the_first_step_is_the_paper_in_numpy_with_the_constant_of_its_own_scores() -> None:
    made, index = method(crd_weight=2.0).double(), torch.tensor([4, 9, 2])
    student, teacher, batch = outputs(index)
    for each in (student, teacher):
        each.taps["pooled"] = each.taps["pooled"].double()
    torch.manual_seed(7)
    loss = float(made.distill(student, teacher, batch, WARM)["crd"].detach())
    # The same draw, made independently of the class intervals: the r-th picture of other classes.
    torch.manual_seed(7)
    ranks = (torch.randint(1 << 53, (3, 50)) % 20).numpy()
    order = np.argsort(TARGETS.numpy(), kind="stable")
    expected = 0.0
    for own, other, pooled in (("student", "teacher", student), ("teacher", "student", teacher)):
        bank = made.get_buffer(f"{other}_bank").numpy()
        embedded = made.embed[own](pooled.taps["pooled"]).detach().numpy()
        embedded /= np.linalg.norm(embedded, axis=1, keepdims=True)
        raw = np.empty((3, 51))
        for row, position in enumerate(index.tolist()):
            foreign = [each for each in order if TARGETS[each] != TARGETS[position]]
            chosen = [position, *(foreign[rank] for rank in ranks[row])]
            raw[row] = np.exp(bank[chosen] @ embedded[row] / 0.5)
        probability = raw / (raw.mean() * 30)
        genuine, noise = probability[:, 0], 50 / 30
        expected -= np.log(genuine / (genuine + noise)).mean()
        expected -= np.log(noise / (probability[:, 1:] + noise)).sum(1).mean()
    assert loss == pytest.approx(2 * expected, rel=1e-9)


def test_only_rows_of_the_batch_move_and_stay_on_the_sphere() -> None:
    made, index = method(momentum=0.25), torch.tensor([4, 9, 2])
    before = made.get_buffer("student_bank").clone()
    student, teacher, batch = outputs(index)
    made.distill(student, teacher, batch, WARM)
    made.learn(made.noticed())
    after = made.get_buffer("student_bank")
    embedded = nn.functional.normalize(made.embed["student"](student.taps["pooled"])).detach()
    mixed = 0.25 * before[index] + 0.75 * embedded
    torch.testing.assert_close(after[index], mixed / mixed.norm(dim=1, keepdim=True))
    others = [place for place in range(30) if place not in index.tolist()]
    assert torch.equal(after[others], before[others])


def test_the_constants_are_those_of_the_first_step_for_ever() -> None:
    made = method()
    for index in (torch.tensor([0, 1, 2]), torch.tensor([3, 4, 5])):
        made.distill(*outputs(index), WARM)
        made.learn(made.noticed())
        if index[0] == 0:
            first = float(made.get_buffer("student_log_constant"))
    assert math.isfinite(first)
    assert float(made.get_buffer("student_log_constant")) == first


def test_without_the_labels_of_the_train_split_it_says_what_to_give() -> None:
    student, teacher = (nn.Sequential(nn.Flatten(), nn.Linear(12, 5)) for _ in range(2))
    distiller = Distiller(student, teacher, "crd", image_shape=(3, 2, 2))
    with pytest.raises(ConfigError, match=r"Distiller\(\.\.\., targets=\)"):
        distiller(torch.zeros(4, 3, 2, 2), torch.arange(4))


class StopError(Exception):
    """Stands for a crash."""


class StopAt(Reporter):
    def __init__(self, steps: int) -> None:
        self.left = steps

    def step(self) -> None:
        self.left -= 1
        if self.left == 0:
            raise StopError


def test_a_resumed_run_draws_the_same_negatives_against_the_same_banks(config: RunConfig) -> None:
    options = ["method.name=crd", "method.negatives=64", "teacher.name=glyph_teacher"]
    teacher = run(override(config, ["student.name=glyph_teacher", "train.epochs=1"]))
    taught = override(config, [*options, f"teacher.weights={teacher.path}"])
    undisturbed = run(taught)
    disturbed = override(taught, ["run.name=disturbed"])
    with pytest.raises(StopError):
        run(disturbed, reporter=StopAt(11))
    resumed = run(disturbed, resume=True)
    assert (resumed.path / STUDENT).read_bytes() == (undisturbed.path / STUDENT).read_bytes()
