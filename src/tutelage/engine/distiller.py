"""`Distiller`: a student, a teacher and a method as one module for anyone's own loop."""

import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from tutelage.config import check
from tutelage.engine.fidelity import follow_mdistiller
from tutelage.engine.remake import remake
from tutelage.engine.taps import pair
from tutelage.engine.task import demand_task
from tutelage.engine.teacher import Teacher
from tutelage.engine.watch import Watch
from tutelage.methods import make_method, methods
from tutelage.models import places, probe
from tutelage.types import Batch, Progress, Task, Terms

_WARM = Progress(epoch=sys.maxsize, epochs=1, step=sys.maxsize, steps_per_epoch=1)


class Distiller(nn.Module):
    """Student, teacher and method; called with pictures and labels it returns named loss terms.

    Only the student and the method's own parameters are parameters of the module: the teacher is
    frozen, moves along with ``.to(...)``, and is neither saved nor switched to training mode.

    >>> from torch import nn
    >>> student, teacher = (nn.Sequential(nn.Flatten(), nn.Linear(12, 5)) for _ in range(2))
    >>> distiller = Distiller(student, teacher, "dkd", image_shape=(3, 2, 2), beta=4.0)
    >>> terms = distiller(torch.zeros(8, 3, 2, 2), torch.zeros(8, dtype=torch.long))
    >>> sorted(terms)
    ['ce', 'nckd', 'tckd']
    >>> sum(terms.values()).backward()

    Args:
        student: the network that learns; used as it is, but for a method that remakes it. With
            ``fidelity="mdistiller"`` a wide ResNet laid out as the zoo's also gets that code's
            second BN update.
        teacher: the network that answers; it is frozen.
        method: a method's name; its options follow as keywords.
        image_shape: channels, height and width of a picture; one blank picture measures what the
            networks put out.
        taps: the module paths of the stages, shallow to deep, by network: ``{"student": [...],
            "teacher": [...]}``; without them stages are found by a pass of a blank picture.
        views: what turns the pictures into those a network was made for, by network, such as
            ``{"teacher": lambda images: F.interpolate(images, size=224)}``.
        targets: the labels of the whole train split ``[N]``, for methods that keep something of
            every picture; such a method also wants each batch's `index`.
        task: ``classes``, ``labels`` (many a picture) or ``pixels`` (a class for each).

    Raises:
        ConfigError: no such method or option, or the method cannot serve these networks.
    """

    def __init__(
        self,
        student: nn.Module,
        teacher: nn.Module,
        method: str = "dkd",
        *,
        image_shape: tuple[int, int, int] = (3, 32, 32),
        taps: Mapping[str, Sequence[str]] | None = None,
        views: Mapping[str, Callable[[Tensor], Tensor]] | None = None,
        targets: Tensor | None = None,
        task: Task = "classes",
        **options: Any,
    ) -> None:
        super().__init__()
        taps, views = taps or {}, views or {}
        self.student = student
        kind = methods[method]
        demand_task(kind, task, "the data")
        shapes = {who: _seen(views.get(who), image_shape) for who in ("student", "teacher")}
        found = places("", student, shapes["student"], taps.get("student", ()))
        there = places("", teacher, shapes["teacher"], taps.get("teacher", ()))
        own, its = pair(kind, found, there)
        remake(kind, student, found, teacher.state_dict(), there.classifier)
        self._watch = Watch(student, own, views.get("student"), task)
        self._teacher = Teacher(teacher, its, views.get("teacher"), task)
        self.method = make_method(
            kind,
            check(kind.Config, options, where=f"{method}:"),
            probe(student, shapes["student"], taps=own, task=task),
            probe(teacher, shapes["teacher"], taps=its, task=task),
            task,
        )
        if targets is not None:
            self.method.enrol(targets)
        if self.method.config.fidelity == "mdistiller":
            follow_mdistiller(student)

    def forward(
        self,
        images: Tensor,
        target: Tensor,
        progress: Progress = _WARM,
        *,
        index: Tensor | None = None,
    ) -> Terms:
        """Return the weighed loss terms of one batch by name; their sum is the loss.

        Shapes: `images` ``[B, channels, height, width]``, `target` ``[B]`` class indices, or what
        `Batch` says of other tasks; `index` ``[B]`` places in the train split, counted through the
        batch if left out. `progress` matters to methods that warm up: without it they are warm.
        """
        if index is None:
            index = torch.arange(len(target), device=target.device)
        student, batch = self._watch(images), Batch(images, target, index)
        needed = self.method.needs_teacher
        teacher = self._teacher.ask(batch) if needed else student.detached()
        terms: Terms = self.method.terms(student, teacher, batch, progress)
        if seen := self.method.noticed():
            self.method.learn(seen)
        return terms

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> "Distiller":
        self._teacher.network._apply(fn, recurse)
        super()._apply(fn, recurse)  # type: ignore[no-untyped-call]
        return self


def _seen(
    view: Callable[[Tensor], Tensor] | None, image_shape: tuple[int, int, int]
) -> tuple[int, int, int]:
    """Return channels, height and width of what a network gets of such pictures."""
    if view is None:
        return image_shape
    _, channels, height, width = view(torch.zeros(1, *image_shape)).shape
    return channels, height, width
