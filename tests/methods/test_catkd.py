import pytest
import torch
from torch import nn

from tutelage import Distiller
from tutelage.errors import ConfigError
from tutelage.losses import activation_map_distance, class_activation_maps
from tutelage.models import build
from tutelage.types import Batch


@pytest.mark.parametrize(
    "name",
    [
        "resnet20",
        "resnet8x4",
        "resnet50_cifar",
        "wrn_16_2",
        "vgg8",
        "mobilenetv2",
        "shufflenetv1",
        "shufflenetv2",
        "torchvision/resnet18",
        "torchvision/mobilenet_v2",
    ],
)
def test_the_mean_of_an_activation_map_plus_the_bias_is_the_logit(name: str) -> None:
    torch.manual_seed(0)
    network = build(name, num_classes=10)
    size = 128 if "/" in name else 32
    distiller = Distiller(network, network, "catkd", image_shape=(3, size, size))
    batch = Batch(torch.randn(2, 3, size, size), torch.zeros(2), torch.arange(2))
    answer = distiller._teacher.ask(batch)
    maps = class_activation_maps(answer.taps["unpooled"], answer.taps["classifier"], 2)
    assert maps.shape == (2, 10, 2, 2)
    logits = maps.mean((2, 3)) + answer.taps["classifier_bias"]
    torch.testing.assert_close(logits, answer.logits, rtol=1e-3, atol=1e-4)


def test_normalised_it_is_the_papers_cosine_in_closed_form() -> None:
    """|a/|a| - b/|b||^2 = 2 - 2 cos(a, b), a class and a picture; four places share it."""
    generator = torch.Generator().manual_seed(0)
    student, teacher = (
        torch.randn(3, 5, 2, 2, generator=generator, dtype=torch.float64) for _ in range(2)
    )
    cosine = torch.cosine_similarity(student.flatten(2), teacher.flatten(2), dim=2)
    expected = (2 - 2 * cosine).mean() / 4
    torch.testing.assert_close(activation_map_distance(student, teacher), expected)
    torch.testing.assert_close(activation_map_distance(7 * student, teacher), expected)


def test_maps_of_zeros_keep_the_gradient_finite() -> None:
    student = torch.zeros(2, 3, 2, 2, requires_grad=True)
    activation_map_distance(student, torch.ones(2, 3, 2, 2)).backward()
    assert student.grad is not None
    assert student.grad.isfinite().all()


def test_a_classifier_that_gets_no_mean_of_a_map_is_refused() -> None:
    student = build("resnet8", num_classes=5)
    flat = nn.Sequential(nn.Conv2d(3, 4, 3), nn.Flatten(), nn.Linear(3600, 5))
    with pytest.raises(ConfigError, match="the teacher has no feature map whose mean"):
        Distiller(student, flat, "catkd")
