"""What is compared: arms, the plain KD that each must be held against, and the run of each seed."""

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass, fields, replace

from tutelage.config import (
    MethodConfig,
    RunConfig,
    check,
    fingerprint,
    override,
    with_method_options,
)
from tutelage.engine.build import import_files
from tutelage.engine.run import prepare
from tutelage.errors import ConfigError, did_you_mean
from tutelage.methods import methods
from tutelage.methods.kd import KD


@dataclass(frozen=True, kw_only=True, slots=True)
class Arm:
    """One method with its numbers, under a short name of its own."""

    label: str
    method: MethodConfig  # complete: every option spelt out
    matched_kd_weight: float | None  # of the plain KD at the same total weight, if that is another
    control: str = ""  # label of the arm that is this KD; empty = there is none
    added: bool = False  # a control that nobody asked for by name


def split_arms(text: str) -> list[str]:
    """Return the arms of a list with commas; a comma inside brackets belongs to a value.

    >>> split_arms("ce, kd:kd_weight=4:ce_weight=1,dkd")
    ['ce', 'kd:kd_weight=4:ce_weight=1', 'dkd']
    """
    return [arm.strip() for arm in re.split(r",(?![^\[]*\])", text)]


def make_arms(config: RunConfig, texts: Iterable[str], *, control: bool = True) -> tuple[Arm, ...]:
    """Return the arms that `texts` describe, and plain KD at the total weight of each.

    A text is a method's name, with options behind it if need be: ``kd:kd_weight=4:ce_weight=1``.
    An arm of the method of `config` inherits its options; every other arm has its method's own
    defaults. Where a method tells its `matched_kd_weight` and is not KD itself, the arm of plain KD
    with that weight, and otherwise the same options, is its control: it is added, unless it is
    among the arms already or `control` is false.

    Raises:
        ConfigError: a text is no arm, no method or option is named so, or two arms are the same.
    """
    import_files(config.run.imports)
    arms: list[Arm] = []
    for text in texts:
        arm = _read(config, text)
        for other in arms:
            if arm.method == other.method:
                raise ConfigError(
                    f"every arm must be another: {other.label!r} and {arm.label!r} come to the "
                    f"same numbers. Leave one out."
                )
        arms.append(arm)
    if not arms:
        raise ConfigError("a comparison wants at least one arm, got none; name one, such as ce.")
    for place, arm in enumerate(arms.copy()):
        if not arm.matched_kd_weight:
            continue
        wanted = _plain_kd(config, arm)
        found = next((other for other in arms if other.method == wanted), None)
        if found is None and control:
            label = f"kd {arm.matched_kd_weight:g} (control)"
            if any(label == other.label for other in arms):
                label = f"kd {arm.matched_kd_weight:g} (control of {arm.label})"
            found = Arm(label=label, method=wanted, matched_kd_weight=None, added=True)
            arms.append(found)
        if found is not None:
            arms[place] = replace(arm, control=found.label)
    return tuple(arms)


def seeds_from(config: RunConfig, count: int) -> tuple[int, ...]:
    """Return `count` seeds, from the recipe's own upwards.

    Raises:
        ConfigError: `count` is below 1.
    """
    if count < 1:
        raise ConfigError(f"seeds wants a whole number of at least 1, got {count}; 3 is a start.")
    return tuple(range(config.train.seed, config.train.seed + count))


def run_of(config: RunConfig, arm: Arm, seed: int) -> RunConfig:
    """Return the run of one arm and one seed, as the engine will record it."""
    return prepare(
        replace(
            config,
            method=arm.method,
            train=replace(config.train, seed=seed),
            run=replace(config.run, name=""),
        )
    )


def matrix_fingerprint(runs: Iterable[RunConfig], *more: str) -> str:
    """Return 8 hexadecimal digits that change with any of the runs, whatever their order."""
    text = " ".join([*sorted(map(fingerprint, runs)), *more])
    return hashlib.sha256(text.encode()).hexdigest()[:8]


def _read(config: RunConfig, text: str) -> Arm:
    name, *assignments = (part.strip() for part in text.split(":"))
    if not name:
        raise ConfigError(
            f"an arm wants a method's name, got {text!r}; write kd, or kd:kd_weight=4:ce_weight=1."
        )
    kind = methods[name]
    for assignment in assignments:
        key, equals, value = assignment.partition("=")
        if not (key and equals and value):
            known = [field.name for field in fields(kind.Config)]
            raise ConfigError(
                f"arm {text}: an option wants key=value, got {assignment!r}; {name} has "
                f"{', '.join(known)}.{did_you_mean(key, known)}"
            )
    own = override(config, [f"method.{part}" for part in (f"name={name}", *assignments)])
    options = check(kind.Config, own.method.options, where=f"arm {text}:")
    return Arm(
        label=" ".join([name, *assignments]),
        method=with_method_options(own, options).method,
        matched_kd_weight=None if issubclass(kind, KD) else options.matched_kd_weight,
    )


def _plain_kd(config: RunConfig, arm: Arm) -> MethodConfig:
    """Return plain KD at the total weight of an arm, equal to it in all that both can be told."""
    known = {field.name for field in fields(KD.Config)}
    shared = {key: value for key, value in arm.method.options.items() if key in known}
    options = check(KD.Config, {**shared, "kd_weight": arm.matched_kd_weight}, where="control:")
    return with_method_options(replace(config, method=MethodConfig(name=KD.name)), options).method
