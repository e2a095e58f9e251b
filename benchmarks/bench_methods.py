"""What a training step costs by each method, in pairs with KD, and what each trains beside.

    python -m benchmarks methods                 # all methods, resnet56 -> resnet20
    python -m benchmarks.bench_methods --methods dkd,crd --rounds 20
    python -m benchmarks.bench_methods --pair glyph_teacher,glyph_student

One step of each in turn, KD first, `--rounds` times after two that do not count. Here a ratio says
how many times as long a step takes.
"""

import torch
from torch import Tensor

from benchmarks._harness import Ratio, Report, in_turn, milliseconds, parsed, parser
from tutelage import Distiller
from tutelage.errors import ConfigError
from tutelage.methods import methods
from tutelage.models import build, count_parameters

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

    def step(self) -> None:
        """Take a step."""
        self.optimizer.zero_grad()
        terms = self.distiller(self.images, self.target, index=self.index)
        torch.stack(list(terms.values())).sum().backward()
        self.optimizer.step()


def main() -> None:
    """Measure, print and write."""
    flags = parser(__doc__, "methods", rounds=12)
    flags.add_argument("--methods", default=",".join(methods), help="names, with commas")
    flags.add_argument("--pair", default="resnet56,resnet20", help="TEACHER,STUDENT")
    flags.add_argument("--batch-size", type=int, default=64)
    given = parsed(flags)
    if given.small:
        given.pair, given.batch_size = "glyph_teacher,glyph_student", 8
    teacher, student = given.pair.split(",")
    report = Report("times as long as a step by KD", given.out, case="method")
    for method in given.methods.split(","):
        try:
            plain, own = (
                Lesson(name, teacher, student, given.batch_size) for name in ("kd", method)
            )
        except ConfigError as error:
            print(f"{method}: does not fit: {error}", flush=True)
            continue
        seconds = in_turn({"kd": plain.step, "own": own.step}, rounds=given.rounds)
        report.add(
            method,
            extra_parameters=count_parameters(own.distiller.method),
            kd_milliseconds=milliseconds(seconds["kd"]),
            milliseconds=milliseconds(seconds["own"]),
            ratio=Ratio.of(seconds["own"], seconds["kd"]),
            teacher=teacher,
            student=student,
            batch_size=given.batch_size,
        )
    if report.lines:
        report.finish()


if __name__ == "__main__":
    main()
