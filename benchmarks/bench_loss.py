"""What DKD costs, forward and backward, beside the textbook's way to write it.

    python -m benchmarks loss

The textbook is masks, softmax and log (`_textbook.py`). Memory is what both passes take at their
peak beyond the logits, in units of the student's logits, the gradient among it. The last lines are
of classifiers whose logits are never whole, beside `dkd_loss` of the whole logits: memory there is
beyond the inputs and the gradients, in megabytes.
"""

from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor
from torch.nn import functional as F

from benchmarks._harness import (
    Ratio,
    Report,
    extra_peak_bytes,
    in_turn,
    milliseconds,
    parsed,
    parser,
)
from benchmarks._textbook import textbook_dkd
from tutelage.losses import dkd_loss, linear_dkd_loss

ALPHA, BETA, TEMPERATURE = 1.0, 8.0, 4.0
CASES = {(64, 100): 1.8, (512, 1000): 4.5, (256, 21_841): 6.0, (512, 128_256): 10.0}
SMALL = {(8, 10): 1.8}
HEADS = [(1024, 512, 128_256), (64, 64, 1_000_000)]  # rows, features, classes
SMALL_HEADS = [(8, 4, 50)]
MEBIBYTE = 2**20

Loss = Callable[[Tensor, Tensor, Tensor, float, float, float], Tensor]


def ours(
    student: Tensor, teacher: Tensor, target: Tensor, alpha: float, beta: float, temperature: float
) -> Tensor:
    """Return the toolkit's loss, called as the textbook's."""
    return dkd_loss(student, teacher, target, alpha=alpha, beta=beta, temperature=temperature)


LOSSES: dict[str, Loss] = {"textbook": textbook_dkd, "ours": ours}


def lesson(name: str, rows: int, classes: int) -> Callable[[], Tensor | None]:
    """Return what takes a loss forward and backward, and returns the gradient."""
    torch.manual_seed(0)
    student, teacher = 3 * torch.randn(2, rows, classes)
    student, teacher = student.clone().requires_grad_(), teacher.clone()
    target = torch.randint(classes, (rows,))

    def call() -> Tensor | None:
        LOSSES[name](student, teacher, target, ALPHA, BETA, TEMPERATURE).backward()
        slope: Tensor | None
        slope, student.grad = student.grad, None  # so that no call finds the memory of the last
        return slope

    return call


def head(
    name: str, rows: int, features: int, classes: int
) -> Callable[[], tuple[Tensor | None, ...]]:
    """Return the same of a classifier: the gradients of its input and its weight."""
    torch.manual_seed(0)
    hidden, its_hidden = torch.randn(2, rows, features)
    hidden.requires_grad_()
    weight, its_weight = (torch.randn(classes, features) / features**0.5 for _ in range(2))
    weight.requires_grad_()
    target = torch.randint(classes, (rows,))

    def call() -> tuple[Tensor | None, ...]:
        if name == "ours":
            loss = linear_dkd_loss(hidden, weight, its_hidden, its_weight, target)
        else:
            loss = dkd_loss(F.linear(hidden, weight), F.linear(its_hidden, its_weight), target)
        loss.backward()
        slopes = hidden.grad, weight.grad
        hidden.grad = weight.grad = None
        return slopes

    return call


def add_loss(report: Report, rows: int, classes: int, bar: float, rounds: int) -> None:
    """Add the line of a shape."""
    seconds = in_turn(
        {name: lesson(name, rows, classes) for name in LOSSES}, rounds=rounds, turn_seconds=0.02
    )
    logits = 4 * rows * classes
    extra = {
        f"{name}_extra_logits": round(
            extra_peak_bytes(partial(lesson, name, rows, classes)) / logits, 2
        )
        for name in LOSSES
    }
    report.add(
        f"dkd {rows} x {classes}",
        ratio=Ratio.of(seconds["textbook"], seconds["ours"]),
        bar=bar,
        **{f"{name}_milliseconds": milliseconds(times) for name, times in seconds.items()},
        **extra,
    )


def add_head(report: Report, shape: tuple[int, int, int], rounds: int) -> None:
    """Add the line of a classifier."""
    rows, features, classes = shape
    names = ("whole", "ours")
    seconds = in_turn({name: head(name, *shape) for name in names}, rounds=rounds, warmup=1)
    gradients = 4 * features * (rows + classes)
    beyond = {
        f"{name}_extra_megabytes": round(
            (extra_peak_bytes(partial(head, name, *shape)) - gradients) / MEBIBYTE
        )
        for name in names
    }
    report.add(
        f"linear dkd {rows} x {features} x {classes}",
        ratio=Ratio.of(seconds["whole"], seconds["ours"]),
        **{f"{name}_milliseconds": milliseconds(times) for name, times in seconds.items()},
        **beyond,
    )


def main() -> None:
    """Measure, print and write."""
    given = parsed(parser(__doc__, "loss"))
    report = Report("times as fast as the textbook", given.out)
    for (rows, classes), bar in (SMALL if given.small else CASES).items():
        # The largest takes seconds: a few rounds tell as much.
        rounds = given.rounds if rows * classes < 10**7 else min(given.rounds, 5)
        add_loss(report, rows, classes, bar, rounds)
    for shape in SMALL_HEADS if given.small else HEADS:
        add_head(report, shape, min(given.rounds, 3))
    report.finish()


if __name__ == "__main__":
    main()
