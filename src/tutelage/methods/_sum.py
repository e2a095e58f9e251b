"""Sums of methods: the distillation terms of several, and the labels' own once."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, make_dataclass
from functools import cache
from itertools import chain
from typing import Annotated, Any

from annotated_types import Ge
from torch import Tensor, nn

from tutelage.errors import ConfigError, did_you_mean
from tutelage.methods._method import Method, methods
from tutelage.types import Batch, Output, Progress, Shapes, Task, Terms

COMMON = frozenset(field.name for field in fields(Method.Config))
"""Options that belong to the sum and not to its parts."""


class Sum(Method):
    """The base of sums; `parts` names the methods in order, each with options of its own.

    Terms keep their names; a name that two parts use is told apart by its method before a slash.
    """

    parts: tuple[str, ...]

    def __init__(
        self, config: Method.Config, student: Shapes, teacher: Shapes, task: Task = "classes"
    ) -> None:
        super().__init__(config, student, teacher, task)
        self.by_name = nn.ModuleDict()
        for name in self.parts:
            common = {key: getattr(config, key) for key in COMMON}
            own = methods[name].Config(**{**getattr(config, name), **common})
            told = () if task == "classes" else (task,)  # few parts know of others
            self.by_name[name] = methods[name](own, student, teacher, *told)

    def distill(self, student: Output, teacher: Output, batch: Batch, progress: Progress) -> Terms:
        """Return the terms of all parts, each times its part's weight and warm-up."""
        told: list[tuple[str, str, Tensor]] = []
        weights = getattr(self.config, "weights")  # noqa: B009 - a field of the made Config
        for (name, part), weight in zip(self._parts(), weights, strict=True):
            ramp = weight * progress.ramp(getattr(part.config, "warmup_epochs", 0.0))
            lessons = part.distill(student, teacher, batch, progress)
            told += [(name, term, ramp * value) for term, value in lessons.items()]
        names = [term for _, term, _ in told]
        return {
            f"{name}/{term}" if names.count(term) > 1 else term: value for name, term, value in told
        }

    @property
    def temperature(self) -> float:
        """That of the first part that has one."""
        warm = [part for _, part in self._parts() if hasattr(part.config, "temperature")]
        return warm[0].temperature if warm else 1.0

    def enrol(self, targets: Tensor) -> None:
        """Tell every part."""
        for _, part in self._parts():
            part.enrol(targets)

    def noticed(self) -> dict[str, Tensor]:
        """Return what all parts noticed, under ``part/name``."""
        return {
            f"{name}/{key}": tensor
            for name, part in self._parts()
            for key, tensor in part.noticed().items()
        }

    def learn(self, seen: dict[str, Tensor]) -> None:
        """Hand each part its own."""
        for name, part in self._parts():
            own = {
                key.removeprefix(f"{name}/"): tensor
                for key, tensor in seen.items()
                if key.startswith(f"{name}/")
            }
            if own:
                part.learn(own)

    def _parts(self) -> list[tuple[str, Method]]:
        return [(name, part) for name, part in self.by_name.items() if isinstance(part, Method)]


@cache
def sum_of(*names: str) -> type[Sum]:
    """Return the sum of the methods of these names.

    Raises:
        ConfigError: a name is no method, stands twice, or its method cannot be a part.
    """
    kinds = [methods[name] for name in names]
    whole = "+".join(names)
    if len({*names}) < len(names):
        raise ConfigError(f"a sum wants different methods, got {whole}.")
    if unfit := [kind.name for kind in kinds if not kind.needs_teacher or kind.views > 1]:
        raise ConfigError(
            f"a sum is of methods that have a teacher and see one view of a picture; {whole} has "
            f"{', '.join(unfit)}."
        )
    attributes: dict[str, Any] = {
        "__doc__": f"The sum of {' and '.join(names)}.",
        "name": whole,
        "parts": names,
        "kind": kinds[0].kind,
        "taps": tuple(dict.fromkeys(chain.from_iterable(kind.taps for kind in kinds))),
        "needs_maps": any(kind.needs_maps for kind in kinds),
        "tasks": tuple(t for t in kinds[0].tasks if all(t in kind.tasks for kind in kinds)),
        "mixes": all(kind.mixes for kind in kinds),
        "by_row": all(kind.by_row for kind in kinds),
        "zero_at_match": all(kind.zero_at_match for kind in kinds),
        "Config": _config_of(whole, names),
    }
    return type("Sum", (Sum,), attributes)


@dataclass(frozen=True, kw_only=True)
class _SumConfig(Method.Config):
    """What `sum_of` adds fields to."""

    def __post_init__(self) -> None:
        """Complete the options of every part by its defaults."""
        Method.Config.__post_init__(self)
        parts = [field.name for field in fields(self) if field.name not in COMMON | {"weights"}]
        weights = getattr(self, "weights")  # noqa: B009 - a field of the subclass
        if len(weights) != len(parts):
            raise ConfigError(f"weights wants {len(parts)} numbers, got {list(weights)}.")
        for name in parts:
            object.__setattr__(self, name, _complete(name, getattr(self, name)))

    @property
    def matched_kd_weight(self) -> float | None:
        """The weighed sum of the parts' own, if any part has one."""
        found = [
            weight * matched
            for name, weight in zip(self._parts, getattr(self, "weights"), strict=True)  # noqa: B009
            if (matched := methods[name].Config(**getattr(self, name)).matched_kd_weight)
        ]
        return sum(found) or None

    @property
    def _parts(self) -> list[str]:
        return [field.name for field in fields(self) if field.name not in COMMON | {"weights"}]


def _config_of(whole: str, names: tuple[str, ...]) -> type:
    ones = tuple(1.0 for _ in names)
    return make_dataclass(
        f"Config[{whole}]",
        [
            ("weights", tuple[Annotated[float, Ge(0)], ...], field(default=ones)),
            *((name, Mapping[str, Any], field(default_factory=dict)) for name in names),
        ],
        bases=(_SumConfig,),
        frozen=True,
        kw_only=True,
    )


def _complete(name: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options of a part with its defaults, those of the sum left out."""
    known = [field.name for field in fields(methods[name].Config) if field.name not in COMMON]
    for key in given:
        if key not in known:
            belongs = " It belongs to the sum." if key in COMMON else did_you_mean(key, known)
            raise ConfigError(f"{name}.{key}: no such key; there is {', '.join(known)}.{belongs}")
    whole = methods[name].Config(**given)
    return {key: getattr(whole, key) for key in known}
