"""The contract that every method keeps, run on each by its name in the registry."""

import copy
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from tutelage import Distiller
from tutelage.config import RunConfig, StudentConfig, check, dumps, loads, with_method_options
from tutelage.engine.checkpoint import load_weights, save_weights
from tutelage.engine.teacher import state_sha256
from tutelage.methods import methods
from tutelage.models import build
from tutelage.types import Batch, Output, Progress, Terms

CLASSES, BATCH, SHAPE = 7, 12, (1, 28, 28)
WARM = Progress(epoch=50, epochs=50, step=490, steps_per_epoch=10)


def distiller(name: str, **options: Any) -> Distiller:
    torch.manual_seed(0)
    student, teacher = (
        build(network, num_classes=CLASSES, channels=1)
        for network in ("glyph_student", "glyph_teacher")
    )
    targets = batch(name)[1]
    return Distiller(student, teacher, name, image_shape=SHAPE, targets=targets, **options)


def batch(name: str) -> tuple[Tensor, Tensor]:
    """Pictures, as many views of them as a method asks for, and their labels."""
    generator = torch.Generator().manual_seed(1)
    images = torch.randn(methods[name].views * BATCH, *SHAPE, generator=generator)
    return images, torch.randint(CLASSES, (BATCH,), generator=generator)


def outputs(
    name: str, scale: float = 1.0, dtype: torch.dtype = torch.float32
) -> tuple[Output, Output, Batch]:
    """What two networks say of a batch, with logits of a standard deviation of `scale`."""
    one = distiller(name)
    images, target = batch(name)
    asked = Batch(images, target, torch.arange(BATCH))
    with torch.no_grad():
        student, teacher = one._watch(images), one._teacher.ask(asked)
    generator = torch.Generator().manual_seed(2)

    def loud(output: Output) -> Output:
        logits = torch.randn(output.logits.shape, generator=generator, dtype=torch.float64) * scale
        taps = {key: tap.to(dtype) for key, tap in output.taps.items()}
        return Output(logits.to(dtype).requires_grad_(), taps)

    return loud(student), loud(teacher), asked


def know(network: nn.Module, images: Tensor, target: Tensor) -> None:
    """Train a teacher on the batch, so that it is worth asking, and freeze it again."""
    network.requires_grad_().train()
    optimizer = torch.optim.SGD(network.parameters(), lr=0.1, momentum=0.9)
    for _ in range(40):
        optimizer.zero_grad()
        nn.functional.cross_entropy(network(images), target).backward()
        optimizer.step()
    optimizer.zero_grad()
    network.requires_grad_(False).eval()


@pytest.fixture(params=list(methods))
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_it_learns_a_batch_by_heart_and_leaves_the_teacher_bit_identical(name: str) -> None:
    one = distiller(name, ce_weight=1.0)
    images, target = batch(name)
    labels = target.repeat(methods[name].views)
    know(one._teacher.network, images, labels)
    before, one._teacher.sha256 = (
        copy.deepcopy(one._teacher.network.state_dict()),
        state_sha256(one._teacher.network),
    )
    optimizer = torch.optim.SGD(one.parameters(), lr=0.1, momentum=0.9)
    one.train()
    losses = []
    for _ in range(50):
        losses.append(float(nn.functional.cross_entropy(one.student(images), labels).detach()))
        optimizer.zero_grad()
        torch.stack(list(one(images, target, WARM).values())).sum().backward()
        optimizer.step()
    right = one.student(images).argmax(1) == labels  # a method may ask for modest students
    assert losses[-1] < 0.5 * losses[0] or right.all()
    after = one._teacher.network.state_dict()
    assert all(torch.equal(before[key], after[key]) for key in before)
    one._teacher.verify()
    assert not one._teacher.network.training
    assert all(parameter.grad is None for parameter in one._teacher.network.parameters())


def test_it_has_nothing_to_teach_where_student_equals_teacher(name: str) -> None:
    if not methods[name].zero_at_match:
        pytest.skip(f"{name} says why its terms are not 0")
    student, _, one = outputs(name)
    terms = distiller(name).method.terms(student, student, one, WARM)
    for term, value in terms.items():
        if term != "ce":
            torch.testing.assert_close(value, torch.zeros_like(value), atol=1e-5, rtol=0)


def test_loud_logits_keep_loss_and_gradient_finite(name: str) -> None:
    student, teacher, one = outputs(name, scale=100.0)
    terms = distiller(name).method.terms(student, teacher, one, WARM)
    torch.stack(list(terms.values())).sum().backward()
    assert all(value.isfinite() for value in terms.values())
    assert student.logits.grad is not None
    assert student.logits.grad.isfinite().all()


def test_its_terms_are_named_scalars_with_the_labels_among_them(name: str) -> None:
    terms = distiller(name)(*batch(name))
    assert "ce" in terms
    assert all(value.ndim == 0 and isinstance(key, str) for key, value in terms.items())


def test_where_it_mixes_a_whole_share_of_one_label_is_that_label(name: str) -> None:
    if not methods[name].mixes:
        pytest.skip(f"{name} wants one label a picture")
    student, teacher, one = outputs(name)
    method = distiller(name, label_smoothing=0.1).method
    whole = replace(one, second=one.target, share=torch.ones(BATCH))
    plain = method.terms(student, teacher, one, WARM)
    for key, value in method.terms(student, teacher, whole, WARM).items():
        torch.testing.assert_close(value, plain[key], rtol=1e-5, atol=1e-6)
    share = torch.linspace(0.5, 1, BATCH)
    pair = replace(one, second=one.target.roll(1), share=share)
    mixed = method.terms(student, teacher, pair, WARM)
    torch.stack(list(mixed.values())).sum().backward()
    assert all(value.isfinite() for value in mixed.values())
    assert student.logits.grad is not None
    assert student.logits.grad.isfinite().all()


def test_each_row_has_a_loss_of_its_own_if_it_says_so(name: str) -> None:
    """So that rows may be a detector's boxes: the mean over them all is the whole's."""
    if not methods[name].by_row:
        pytest.skip(f"{name} compares pictures with pictures, or remembers them")
    student, teacher, one = outputs(name, scale=3.0, dtype=torch.float64)
    method = distiller(name).method.double()
    rows = [
        method.terms(
            Output(student.logits[row : row + 1]),
            Output(teacher.logits[row : row + 1]),
            Batch(*(part[row : row + 1] for part in (one.images, one.target, one.index))),
            WARM,
        )
        for row in range(BATCH)
    ]
    for key, value in method.terms(student, teacher, one, WARM).items():
        torch.testing.assert_close(torch.stack([row[key] for row in rows]).mean(), value)


def test_sparse_it_learns_of_a_mean_of_teachers_the_mean_of_their_lessons(name: str) -> None:
    if not methods[name].sparse:
        pytest.skip(f"{name} does not say so")
    student, teacher, one = outputs(name, scale=3.0, dtype=torch.float64)
    method, logits = distiller(name).method.double(), teacher.logits.detach()
    rest = logits.scatter(1, one.target[:, None], -torch.inf) / method.temperature

    def gradient(shares: Tensor) -> Tensor:
        """Of a teacher of the same p_t, and these shares of the other classes."""
        scaled = method.temperature * (shares.log() + rest.logsumexp(1, keepdim=True))
        its = torch.where(rest.isinf(), logits, scaled)
        terms = method.distill(student, Output(its), one, WARM)
        (found,) = torch.autograd.grad(torch.stack([*terms.values()]).sum(), student.logits)
        return found

    order = rest.argsort(1, descending=True)
    first, second = (torch.zeros_like(rest).scatter(1, order[:, [at]], 1.0) for at in (0, 1))
    expected = (gradient(first) + gradient(second)) / 2
    torch.testing.assert_close(gradient((first + second) / 2), expected)


def test_its_options_survive_a_recipe(name: str) -> None:
    kind = methods[name]
    config = RunConfig(student=StudentConfig(name="resnet8"))
    config = replace(config, method=replace(config.method, name=name, options={}))
    written = loads(dumps(with_method_options(config, kind.Config())))
    assert check(kind.Config, written.method.options) == kind.Config()


def test_saved_and_loaded_it_gives_the_same_terms(name: str, tmp_path: Path) -> None:
    one, other = distiller(name), distiller(name)
    optimizer = torch.optim.SGD(one.parameters(), lr=0.1)
    torch.stack(list(one(*batch(name)).values())).sum().backward()
    optimizer.step()
    save_weights(tmp_path / "w.safetensors", one.state_dict())
    load_weights(other, tmp_path / "w.safetensors")
    torch.manual_seed(0)  # a method may draw
    first = one.eval()(*batch(name))
    torch.manual_seed(0)
    second = other.eval()(*batch(name))
    assert first.keys() == second.keys()
    assert all(torch.equal(first[key], second[key]) for key in first)


def test_float64_and_float32_agree(name: str) -> None:
    def terms(dtype: torch.dtype) -> Terms:
        student, teacher, one = outputs(name, scale=3.0, dtype=dtype)
        method = distiller(name).method.to(dtype)
        found: Terms = method.terms(student, teacher, one, WARM)
        return found

    wide, narrow = terms(torch.float64), terms(torch.float32)
    for key, value in wide.items():
        torch.testing.assert_close(narrow[key].double(), value, rtol=1e-4, atol=1e-5)


def test_warm_up_acts_on_all_but_the_labels(name: str) -> None:
    kind = methods[name]
    if not hasattr(kind.Config(), "warmup_epochs"):
        pytest.skip(f"{name} has no warm-up")
    student, teacher, one = outputs(name)
    method = distiller(name, warmup_epochs=20).method
    early = method.terms(student, teacher, one, Progress(2, 240, 9, 10))
    late = method.terms(student, teacher, one, Progress(21, 240, 200, 10))
    for key, value in late.items():
        torch.testing.assert_close(early[key], value * (1.0 if key == "ce" else 0.05))


def test_it_moves_and_saves_with_its_module_but_without_the_teacher(name: str) -> None:
    one = distiller(name)
    wide = state_sha256(one._teacher.network)
    assert not any(key.startswith("teacher") for key in one.state_dict())
    one.double()
    assert next(one._teacher.network.parameters()).dtype == torch.float64
    assert state_sha256(one._teacher.network) != wide  # it moved along
    assert isinstance(one.student, nn.Module)
