import pytest
import torch

from tutelage.methods.uskd import USKD
from tutelage.types import Batch, Output, Progress

LATE = Progress(epoch=240, epochs=240, step=2399, steps_per_epoch=10)


@pytest.mark.parametrize(
    ("shape", "places"), [((8, 4, 4), (2, 3)), ((16, 8), (1,))], ids=["maps", "tokens"]
)
def test_the_weak_head_reads_the_mean_of_maps_or_tokens_and_learns_from_smoothed_labels(
    shape: tuple[int, ...], places: tuple[int, ...]
) -> None:
    torch.manual_seed(0)
    shapes = {"logits": (5,), "middle": shape}
    method = USKD(USKD.Config(mu=2.0), shapes, shapes)
    middle, logits = torch.randn(6, *shape), torch.randn(6, 5, requires_grad=True)
    target = torch.tensor([0, 1, 2, 3, 4, 0])
    batch = Batch(torch.zeros(6, 1, 1, 1), target, torch.arange(6))
    student = Output(logits, {"middle": middle})
    terms = method.terms(student, Output(logits.detach()), batch, LATE)
    said = (middle.mean(places) @ method.head.weight.T + method.head.bias).log_softmax(1)
    label = 0.9 * torch.nn.functional.one_hot(target, 5) + 0.1 / 5
    torch.testing.assert_close(terms["weak"], -2.0 * (label * said).sum(1).mean())
    torch.stack([terms["target"], terms["others"]]).sum().backward()
    assert method.head.weight.grad is None
