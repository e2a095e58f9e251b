"""The benchmark of a step runs, in small, and what it is measured against is the same loss."""

import torch

from benchmarks._textbook import textbook_dkd
from tests.benchmarks.conftest import Small
from tutelage.losses import dkd_loss


def test_the_textbook_has_the_same_loss() -> None:
    generator = torch.Generator().manual_seed(0)
    student, teacher = (torch.randn(8, 10, generator=generator) * 3 for _ in range(2))
    target = torch.arange(8)
    ours = dkd_loss(student, teacher, target, alpha=1.5, beta=6.0, temperature=4.0)
    theirs = textbook_dkd(student, teacher, target, alpha=1.5, beta=6.0, temperature=4.0)
    torch.testing.assert_close(ours, theirs)


def test_it_tells_the_ratio_of_each_step_to_the_plain_one_and_its_arithmetic(small: Small) -> None:
    lines = {line["case"].partition(", ")[2]: line for line in small("step")}
    assert [*lines] == ["plain", "online", "online, float32", "cached", "by hand"]
    assert [line["bar"] for line in lines.values()] == ["", "3.0", "", "6.0", ""]
    assert all(float(line["ratio"]) > 0 for name, line in lines.items() if name != "plain")
    # resnet8 teaches itself: forward 1, forward and backward 3
    whole, cached = (float(lines[name]["gigaflops"]) for name in ("online", "cached"))
    assert abs(cached / whole - 3 / 4) < 0.02
