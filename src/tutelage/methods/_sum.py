"""Sums of methods: the distillation terms of several, and the labels' own once."""

from dataclasses import Field, dataclass, field, fields, make_dataclass
from functools import cache
from itertools import chain
from typing import Annotated, Any, ClassVar, get_type_hints

from annotated_types import Ge
from torch import Tensor, nn

from tutelage.errors import ConfigError
from tutelage.methods._method import Method, make_method, methods
from tutelage.types import Batch, Output, Progress, Shapes, Task, Terms

COMMON = frozenset(field.name for field in fields(Method.Config))
"""Options that belong to the sum and not to its parts."""


class Sum(Method):
    """The base of sums; `parts` names the methods in order, each with options of its own.

    Terms keep their names; a name that two parts use is told apart by its method before a slash.
    """

    parts: ClassVar[tuple[str, ...]]
    config: "_SumConfig"

    def __init__(
        self, config: Method.Config, student: Shapes, teacher: Shapes, *, task: Task = "classes"
    ) -> None:
        super().__init__(config, student, teacher, task=task)
        self.by_name = nn.ModuleDict()
        for name in self.parts:
            own = part_config(config, name)
            self.by_name[name] = make_method(methods[name], own, student, teacher, task)

    def distill(self, student: Output, teacher: Output, batch: Batch, progress: Progress) -> Terms:
        """Return the terms of all parts, each times its part's weight and warm-up."""
        told: list[tuple[str, str, Tensor]] = []
        for (name, part), weight in zip(self._parts(), self.config.weights, strict=True):
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
    if unfit := [
        kind.name for kind in kinds if not kind.needs_teacher or kind.views > 1 or kind.remakes
    ]:
        raise ConfigError(
            f"a sum is of methods that have a teacher, see one view of a picture and leave the "
            f"student as it is; {whole} has {', '.join(unfit)}."
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
        "sparse": all(kind.sparse for kind in kinds),
        "zero_at_match": all(kind.zero_at_match for kind in kinds),
        "Config": _config_of(whole, names),
    }
    return type("Sum", (Sum,), attributes)


methods.summed = sum_of


@dataclass(frozen=True, kw_only=True)
class _SumConfig(Method.Config):
    """What `sum_of` adds fields to: ``weights``, and the options of each part under its name."""

    parts: ClassVar[tuple[str, ...]]
    weights: tuple[Annotated[float, Ge(0)], ...] = ()  # of the parts, in order; empty = all 1

    def __post_init__(self) -> None:
        """Give every part a weight."""
        Method.Config.__post_init__(self)
        object.__setattr__(self, "weights", self.weights or (1.0,) * len(self.parts))
        if len(self.weights) != len(self.parts):
            raise ConfigError(f"weights wants {len(self.parts)} numbers, got {[*self.weights]}.")

    @property
    def matched_kd_weight(self) -> float | None:
        """The weighed sum of the parts' own, if any part has one."""
        found = [
            weight * matched
            for name, weight in zip(self.parts, self.weights, strict=True)
            if (matched := part_config(self, name).matched_kd_weight)
        ]
        return sum(found) or None


def part_config(config: Method.Config, name: str) -> Method.Config:
    """Return the whole Config of one part of a sum."""
    own = {field.name: getattr(getattr(config, name), field.name) for field in _own_fields(name)}
    return methods[name].Config(**own, **{key: getattr(config, key) for key in COMMON})


def _config_of(whole: str, names: tuple[str, ...]) -> type[_SumConfig]:
    parts = [(name, _part_of(name)) for name in names]
    return make_dataclass(
        f"Config[{whole}]",
        [(name, part, field(default_factory=part)) for name, part in parts],
        bases=(_SumConfig,),
        namespace={"parts": names},
        frozen=True,
        kw_only=True,
    )


def _part_of(name: str) -> type:
    """Return the Config of a method without what belongs to the sum, and with its checks."""
    kind = methods[name].Config
    hints = get_type_hints(kind, include_extras=True)

    def check(part: Any) -> None:
        kind(**{field.name: getattr(part, field.name) for field in fields(part)})

    return make_dataclass(
        name,
        [(own.name, hints[own.name], field(default=own.default)) for own in _own_fields(name)],
        namespace={"__post_init__": check},
        frozen=True,
        kw_only=True,
    )


def _own_fields(name: str) -> list["Field[Any]"]:
    return [field for field in fields(methods[name].Config) if field.name not in COMMON]
