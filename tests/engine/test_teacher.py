"""What the teacher says: of a picture always the same."""

import pytest
import torch

from tutelage.engine.teacher import Teacher
from tutelage.models import Place, build
from tutelage.types import Batch, Output


def asked(teacher: Teacher, images: torch.Tensor) -> Output:
    return teacher.ask(Batch(images, torch.zeros(len(images)), torch.arange(len(images))))


@pytest.mark.parametrize(("name", "classifier"), [("resnet20", "fc"), ("shufflenetv2", "linear")])
def test_what_is_said_of_a_picture_does_not_depend_on_its_batch(name: str, classifier: str) -> None:
    torch.manual_seed(0)
    network = build(name, num_classes=10)
    last, weights = Place(classifier, "input"), Place(classifier, "weight")
    teacher = Teacher(network, {"pooled": last, "classifier": weights})
    images = torch.randn(40, 3, 32, 32)
    whole = asked(teacher, images)
    for count in (1, 2, 3, 16, 17, 33):
        part = asked(teacher, images[:count])
        assert torch.equal(part.logits, whole.logits[:count])
        assert torch.equal(part.taps["pooled"], whole.taps["pooled"][:count])
        assert torch.equal(part.taps["classifier"], whole.taps["classifier"])
