import torch

from tutelage.methods.function_matching import FunctionMatching
from tutelage.types import Batch, Output, Progress

SHAPES = {"logits": (10,)}
EARLY = Progress(epoch=1, epochs=1200, step=0, steps_per_epoch=10)


def test_its_whole_gradient_is_the_difference_of_probabilities_whatever_the_labels_say() -> None:
    generator = torch.Generator().manual_seed(0)
    student, teacher = (
        3 * torch.randn(16, 10, generator=generator, dtype=torch.float64) for _ in range(2)
    )
    student.requires_grad_()
    method = FunctionMatching(FunctionMatching.Config(), SHAPES, SHAPES)
    for label in (0, 9):
        target = torch.full((16,), label)
        batch = Batch(torch.zeros(16, 1, 1, 1), target, torch.arange(16))
        terms = method.terms(Output(student), Output(teacher), batch, EARLY)
        (gradient,) = torch.autograd.grad(torch.stack(list(terms.values())).sum(), student)
        torch.testing.assert_close(gradient, (student.softmax(1) - teacher.softmax(1)) / 16)
