"""What a training step costs by each method, in pairs with KD, and what each trains beside.

    python benchmarks/bench_methods.py           # all methods, resnet56 -> resnet20
    python benchmarks/bench_methods.py --methods dkd,crd --rounds 20
    python benchmarks/bench_methods.py --pair glyph_teacher,glyph_student

One step of each in turn, KD first, `--rounds` times after two that do not count. The median ratio
is the figure to quote, since the machine's own speed cancels in it. Written to
benchmarks/results/methods.csv.
"""

import argparse
import csv
import platform
import time
from pathlib import Path
from statistics import median, quantiles

import torch
from torch import Tensor

from tutelage import Distiller
from tutelage.errors import ConfigError
from tutelage.methods import methods
from tutelage.models import build, count_parameters

RESULTS = Path(__file__).parent / "results" / "methods.csv"
SHAPES: dict[str, tuple[int, int, int]] = {"glyph_student": (1, 28, 28)}
CLASSES, PICTURES = 100, 2000


class Lesson:
    """A student, a teacher and an optimiser, ready to take a step on one batch again and again."""

    def __init__(self, method: str, teacher: str, student: str, batch_size: int) -> None:
        shape = SHAPES.get(student, (3, 32, 32))
        torch.manual_seed(0)
        own, its = (
            build(name, num_classes=CLASSES, channels=shape[0]) for name in (student, teacher)
        )
        targets = torch.arange(PICTURES) % CLASSES
        kind = methods[method]
        self.distiller = Distiller(own, its, method, image_shape=shape, targets=targets).train()
        self.optimizer = torch.optim.SGD(self.distiller.parameters(), lr=1e-3, momentum=0.9)
        self.images = torch.randn(kind.views * batch_size, *shape)
        self.index = torch.arange(batch_size)
        self.target: Tensor = targets[:batch_size]

    def step_seconds(self) -> float:
        """Take a step and return how long it took."""
        started = time.perf_counter()
        self.optimizer.zero_grad()
        terms = self.distiller(self.images, self.target, index=self.index)
        torch.stack(list(terms.values())).sum().backward()
        self.optimizer.step()
        return time.perf_counter() - started


def measure(
    method: str, teacher: str, student: str, batch_size: int, rounds: int
) -> dict[str, str | int | float]:
    """Return one line of the table."""
    plain, own = (Lesson(name, teacher, student, batch_size) for name in ("kd", method))
    for lesson in (plain, own, plain, own):
        lesson.step_seconds()
    pairs = [(plain.step_seconds(), own.step_seconds()) for _ in range(rounds)]
    ratios = [its / kd for kd, its in pairs]
    low, _, high = quantiles(ratios, n=4)
    return {
        "method": method,
        "extra_parameters": count_parameters(own.distiller.method),
        "kd_milliseconds": round(1000 * median(kd for kd, _ in pairs), 2),
        "milliseconds": round(1000 * median(its for _, its in pairs), 2),
        "ratio": round(median(ratios), 3),
        "ratio_quartiles": f"{low:.3f} {high:.3f}",
        "teacher": teacher,
        "student": student,
        "batch_size": batch_size,
        "rounds": rounds,
        "threads": torch.get_num_threads(),
        "torch": torch.__version__,
        "machine": f"{platform.machine()}, {torch.backends.cpu.get_cpu_capability()}",
    }


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--methods", default=",".join(methods), help="names, with commas")
    parser.add_argument("--pair", default="resnet56,resnet20", help="TEACHER,STUDENT")
    parser.add_argument("--batch-size", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=12)
    parser.add_argument("--out", type=Path, default=RESULTS)
    given = parser.parse_args()
    teacher, student = given.pair.split(",")
    lines = []
    for method in given.methods.split(","):
        try:
            line = measure(method, teacher, student, given.batch_size, given.rounds)
        except ConfigError as error:
            print(f"{method}: does not fit: {error}", flush=True)
            continue
        lines.append(line)
        told = ("method", "extra_parameters", "milliseconds", "ratio", "ratio_quartiles")
        print("  ".join(f"{name} {line[name]}" for name in told), flush=True)
    if not lines:
        return
    given.out.parent.mkdir(parents=True, exist_ok=True)
    with given.out.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, lines[0], lineterminator="\n")
        writer.writeheader()
        writer.writerows(lines)
    print(f"Written to {given.out}")


if __name__ == "__main__":
    main()
