import pytest
import torch
from torch.nn import functional as F

from tutelage import Distiller
from tutelage.losses import hierarchical_distance
from tutelage.methods.reviewkd import Fusion, ReviewKD
from tutelage.models import build
from tutelage.types import Batch, Progress

LATE = Progress(epoch=50, epochs=50, step=499, steps_per_epoch=10)


def test_a_constant_difference_has_its_square_for_distance_at_every_size() -> None:
    """The weights 1, 1/2, 1/4 and 1/8 are divided out again."""
    for size in (1, 2, 3, 4, 8, 16):
        zeros = torch.zeros(2, 3, size, size)
        assert float(hierarchical_distance(zeros, zeros - 3)) == pytest.approx(9)


def test_the_distance_is_the_official_sum_in_float64_on_the_papers_maps() -> None:
    generator = torch.Generator().manual_seed(0)
    student, teacher = (
        torch.randn(4, 64, 32, 32, generator=generator, dtype=torch.float64) for _ in range(2)
    )
    expected = ((student - teacher) ** 2).mean()
    for size, weight in ((4, 1 / 2), (2, 1 / 4), (1, 1 / 8)):
        cells = (32 // size, 32 // size)
        own, its = (F.avg_pool2d(each, cells) for each in (student, teacher))
        expected = expected + weight * ((own - its) ** 2).mean()
    expected = expected / (1 + 1 / 2 + 1 / 4 + 1 / 8)
    torch.testing.assert_close(hierarchical_distance(student, teacher), expected)


def test_a_fusion_weighs_the_level_and_what_is_deeper_by_its_attention() -> None:
    fusion = Fusion(2, 2, 2, fuses=True).double().eval()
    assert fusion.attention is not None
    torch.nn.init.dirac_(fusion.enter.get_parameter("0.weight"))
    torch.nn.init.zeros_(fusion.attention.weight)
    with torch.no_grad():
        fusion.attention.get_parameter("bias").copy_(torch.tensor([100.0, 0.0]))  # shares 1 and 1/2
    features = torch.arange(8.0, dtype=torch.float64).reshape(1, 2, 2, 2)
    deeper = torch.tensor([10.0, 20.0], dtype=torch.float64).reshape(1, 2, 1, 1)
    _, fused = fusion(features, deeper, torch.Size((4, 4)))
    expected = (features / (1 + 1e-5) ** 0.5 + deeper / 2).repeat_interleave(2, 2)
    torch.testing.assert_close(fused, expected.repeat_interleave(2, 3))


def test_a_deep_level_of_the_student_learns_from_the_shallowest_of_the_teacher() -> None:
    """The review: nothing but the first level is compared, and the deepest stage has a gradient."""
    student, teacher = build("resnet8x4", num_classes=10), build("resnet8x4", num_classes=10)
    distiller = Distiller(student, teacher, "reviewkd")
    method = distiller.method
    assert isinstance(method, ReviewKD)
    own = distiller._watch(torch.randn(2, 3, 32, 32))
    levels = (own.taps["pooled"][..., None, None], *own.stages[::-1])
    deeper = None
    for features, fusion in zip(levels, method.fusions, strict=True):
        output, deeper = fusion(features, deeper, features.shape[2:])
    assert output.shape == (2, 64, 32, 32)
    found = torch.autograd.grad(output.square().sum(), own.stages[-1])
    assert float(found[0].abs().max()) > 0


def test_a_batch_of_one_picture_is_no_error() -> None:
    student, teacher = build("resnet8", num_classes=10), build("resnet8", num_classes=10)
    terms = Distiller(student, teacher, "reviewkd")(torch.randn(1, 3, 32, 32), torch.tensor([3]))
    terms["reviewkd"].backward()
    assert terms["reviewkd"].isfinite()
    assert all(p.grad is None or p.grad.isfinite().all() for p in student.parameters())


def test_before_activation_the_students_negative_responses_are_taught_too() -> None:
    student, teacher = (build("resnet8x4", num_classes=10) for _ in range(2))
    distiller = Distiller(student, teacher, "reviewkd", student_preactivations=True)
    images, target = torch.randn(4, 3, 32, 32), torch.arange(4)
    own, batch = distiller._watch(images), Batch(images, target, target)
    terms = distiller.method.terms(own, distiller._teacher.ask(batch), batch, LATE)
    (slope,) = torch.autograd.grad(terms["reviewkd"], own.preactivations[0])
    assert float(slope[own.preactivations[0] < 0].abs().max()) > 0
