"""What a method looks at, found in both networks and paired between them."""

from collections.abc import Callable, Sequence

from tutelage.errors import ConfigError
from tutelage.methods import Method, methods
from tutelage.models import Place, Places

Taps = dict[str, Place]
"""Where a network's taps lie, by the names that a method sees them under."""


def pair(kind: type[Method], student: Places, teacher: Places | None) -> tuple[Taps, Taps]:
    """Return the taps of student and teacher for a method, under the same names.

    Stages are paired in order where both networks have as many. Where one has more, as many as the
    other has are taken from it, evenly, its last among them. A stem is left out where one has none.

    Raises:
        ConfigError: a network has nothing that the method could look at there.
    """
    teacher_or_self = teacher or student
    count = min(len(student.stages), len(teacher_or_self.stages))
    stems = bool(student.stem and teacher_or_self.stem)
    return (
        _taps(kind, student, count, stems, "student"),
        _taps(kind, teacher, count, stems, "teacher") if teacher else {},
    )


def _taps(kind: type[Method], places: Places, count: int, stems: bool, who: str) -> Taps:
    taps: Taps = {}
    for tap in kind.taps:
        found = _FIND[tap](places, count)
        if not found and tap != "stem":
            raise ConfigError(_missing(kind, tap, who))
        if tap != "stem" or stems:
            taps |= found
    return taps


def evenly(count: int, wanted: int) -> list[int]:
    """Return `wanted` places out of `count`, spread evenly, the last among them.

    >>> evenly(12, 4), evenly(4, 3)
    ([2, 5, 8, 11], [0, 2, 3])
    """
    return [round((place + 1) * count / wanted) - 1 for place in range(wanted)]


def _numbered(name: str, places: Sequence[Place], count: int) -> Taps:
    chosen = [places[place] for place in evenly(len(places), count)] if count else []
    return {f"{name}{number}": place for number, place in enumerate(chosen, 1)}


def _one(name: str, places: Places, count: int, which: int) -> Taps:
    chosen = list(_numbered("stage", places.stages, count).values())
    return {name: chosen[which]} if chosen else {}


def _pooled(places: Places, count: int) -> Taps:
    return {"pooled": Place(places.classifier, "input")} if places.classifier else {}


def _unpooled(places: Places, count: int) -> Taps:
    return {"unpooled": places.unpooled} if places.unpooled else {}


def _classifier(places: Places, count: int) -> Taps:
    if not places.classifier:
        return {}
    return {
        "classifier": Place(places.classifier, "weight"),
        "classifier_bias": Place(places.classifier, "bias"),
    }


_FIND: dict[str, Callable[[Places, int], Taps]] = {
    "stages": lambda places, count: _numbered("stage", places.stages, count),
    "preactivations": lambda places, count: _numbered(
        "preactivation", places.preactivations, count
    ),
    "stem": lambda places, count: {"stem": places.stem} if places.stem else {},
    "middle": lambda places, count: _one("middle", places, count, (count - 1) // 2),
    "last": lambda places, count: _one("last", places, count, -1),
    "unpooled": _unpooled,
    "pooled": _pooled,
    "classifier": _classifier,
}


_AT_THE_END = {
    "unpooled": "feature map whose mean goes into a linear layer that makes the logits",
    "pooled": "linear layer whose output is the logits",
    "classifier": "linear layer whose output is the logits",
}


def _missing(kind: type[Method], tap: str, who: str) -> str:
    if tap in _AT_THE_END:
        without = [
            name
            for name in methods
            if methods[name].needs_teacher and not _AT_THE_END.keys() & {*methods[name].taps}
        ]
        return (
            f"method {kind.name} looks at what the classifier gets, and the {who} has no "
            f"{_AT_THE_END[tap]}. Methods that need none: {', '.join(without)}."
        )
    return (
        f"method {kind.name} looks at stages, and none were found in the {who}: name them, shallow "
        f"to deep, by module path, such as {who}.taps=['layer2','layer3']."
    )
