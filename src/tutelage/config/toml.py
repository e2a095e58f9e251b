"""Recipes and overrides to `RunConfig` and back; errors name the file and the key."""

import sys
from collections.abc import Iterable, Mapping
from copy import deepcopy
from pathlib import Path
from typing import Any, Literal, TypeVar, get_args, get_origin

import tomli_w

from tutelage.config.border import Checked, Mistake, examine, shown, strip, type_hints
from tutelage.config.run import MethodConfig, RunConfig, contradictions, to_mapping
from tutelage.config.shelf import find_recipe
from tutelage.errors import ConfigError, did_you_mean

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

Tables = dict[str, Any]
Given = TypeVar("Given", RunConfig, Tables)

SECTIONS: dict[str, type] = type_hints(RunConfig)
KEYS = {
    f"{section}.{key}": hint
    for section, cls in SECTIONS.items()
    for key, hint in type_hints(cls).items()
    if (section, key) != ("method", "options")
}


def load(source: str | Path, overrides: Iterable[str] = ()) -> RunConfig:
    """Return the run that a recipe describes, after the overrides.

    `source` is the name of a recipe of the package, the path of a TOML file, or a run folder,
    whose ``run.toml`` repeats it. Each override is ``section.key=value`` (see `override`).

    Raises:
        ConfigError: nothing is found there, or what is there is not a run: all mistakes at once.
    """
    path = find_recipe(source)
    try:
        text = path.read_text(encoding="utf-8-sig")  # some editors begin a file with a mark
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: wanted a text file in UTF-8, got bytes: {error}.") from error
    except OSError as error:
        raise ConfigError(f"{path}: could not be read: {error.strerror or error}.") from error
    return loads(text, overrides, where=str(path))


def loads(text: str, overrides: Iterable[str] = (), *, where: str = "") -> RunConfig:
    r"""Return the run that the TOML `text` describes, after the overrides.

    >>> loads("[student]\nname = 'resnet8x4'", ["method.beta=6"]).method.options
    {'beta': 6}

    Raises:
        ConfigError: all mistakes at once, a line each; `where` opens the lines about the text.
    """
    try:
        tables = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{where or 'the recipe'}: not TOML: {error}.") from error
    overrides = list(overrides)
    return from_mapping(override(tables, overrides), where=where, overrides=overrides)


def dumps(config: RunConfig) -> str:
    """Return the run as TOML, every key spelt out; `loads` gives back an equal one, exactly."""
    return tomli_w.dumps(to_mapping(config))


def checked(config: RunConfig) -> RunConfig:
    """Return `config` after the same check a recipe gets: for values that were given in Python.

    Raises:
        ConfigError: all mistakes at once.
    """
    return from_mapping(to_mapping(config))


def from_mapping(
    tables: Mapping[str, Any], where: str = "", overrides: Iterable[str] = ()
) -> RunConfig:
    """Return the run that the tables of a recipe describe.

    `where` (a file) opens each line of an error; a line about a key that one of `overrides` set
    names that override instead.

    Raises:
        ConfigError: all mistakes at once.
    """
    blame = {text.partition("=")[0].strip(): text for text in overrides}
    sections: dict[str, Any] = {}
    lines = [
        _unknown_section(where, name, tables[name], blame)
        for name in tables
        if name not in SECTIONS
    ]
    for name, cls in SECTIONS.items():
        section, mistakes = _section(cls, tables.get(name, {}))
        sections[name] = section
        lines += [_line(where, name, mistake, blame) for mistake in mistakes]
    if not lines:
        config = RunConfig(**sections)
        lines = [
            _line(where, name, Mistake(key, text), blame)
            for name, key, text in contradictions(config)
        ]
    if lines:
        raise ConfigError("\n".join(lines))
    return config


def override(given: Given, assignments: Iterable[str]) -> Given:
    """Return a run, or the tables of one, with ``section.key=value`` set; `given` stays as it was.

    The value is read by the rules of TOML; what is not TOML is plain text, and so is whatever is
    given to a key that holds text: ``data.name=cifar100`` needs no quotes. An option of one part
    of a sum of methods has its method before it: ``method.dkd.beta=6``. A run is checked
    afterwards, tables are not. Options belong to their method: where ``method.name`` changes, the
    options of the former method go (``method.beta=6`` beside it counts for the new one).

    >>> override({"train": {"epochs": 240}}, ["train.epochs=3", "optimizer.lr=1e-3"])
    {'train': {'epochs': 3}, 'optimizer': {'lr': 0.001}}

    Raises:
        ConfigError: an assignment that is none; for a run also what `from_mapping` finds.
    """
    assignments = list(assignments)
    changes: Tables = {}
    lines = []
    for text in assignments:
        name, equals, value = text.partition("=")
        section, _, key = name.strip().partition(".")
        part, _, option = key.partition(".")
        if not (equals and section and part) or (option and section != "method") or "." in option:
            lines.append(_no_assignment(text))
            continue
        table = changes.setdefault(section, {})
        if option:  # of one part of a sum of methods
            table.setdefault(part, {})[option] = _value("", value.strip())
        else:
            table[key] = _value(f"{section}.{key}", value.strip())
    if lines:
        raise ConfigError("\n".join(lines))
    if isinstance(given, RunConfig):
        return from_mapping(merge(to_mapping(given), changes), overrides=assignments)
    return merge(given, changes)


def merge(base: Mapping[str, Any], changes: Mapping[str, Any]) -> Tables:
    """Return the tables of `base` with those of `changes` laid over them, key by key.

    Options belong to their method: where ``method.name`` changes, those of `base` go.
    """
    merged = deepcopy(dict(base))
    for section, table in changes.items():
        below = merged.get(section)
        if not isinstance(below, dict) or not isinstance(table, Mapping):
            merged[section] = deepcopy(table)
            continue
        if section == "method" and table.get("name", _method(below)) != _method(below):
            below.clear()
        for key, value in deepcopy(dict(table)).items():
            both = isinstance(value, dict) and isinstance(below.get(key), dict)
            below[key] = {**below[key], **value} if both else value
    return merged


def _method(table: Mapping[str, Any]) -> object:
    return table.get("name", MethodConfig().name)


def _value(name: str, text: str) -> object:
    try:
        parsed = tomllib.loads(f"value = {text}")
    except tomllib.TOMLDecodeError:
        return text
    value = parsed.pop("value")
    # A second line in the text would be read as a second key; it is text then. So is what looks
    # like a number or a date, but stands for a key that holds text.
    is_text = bool(parsed) or (not isinstance(value, str) and _holds_text(KEYS.get(name)))
    return text if is_text else value


def _holds_text(hint: Any) -> bool:
    base, _ = strip(hint)
    choices = get_args(base) if get_origin(base) is Literal else ()
    return base is str or any(isinstance(choice, str) for choice in choices)


def _section(cls: type, table: object) -> tuple[Any, tuple[Mistake, ...]]:
    if not isinstance(table, Mapping):
        return None, (Mistake("", f"wanted a table of keys, got {shown(table)}."),)
    if cls is not MethodConfig:
        found: Checked[Any] = examine(cls, table)
        return found.value, found.mistakes
    names = {key: value for key, value in table.items() if key == "name"}
    options = {key: value for key, value in table.items() if key != "name"}
    method = examine(MethodConfig, names)
    is_sum = "+" in str(table.get("name", ""))
    mistakes = [
        Mistake(key, f"wanted a number, text, true or false, or a list of these, got {value!r}.")
        for key, value in options.items()
        if not _is_option(value) and not (is_sum and isinstance(value, Mapping))
    ]
    if method.value is None or mistakes:
        return None, (*method.mistakes, *mistakes)
    return MethodConfig(name=method.value.name, options=options), ()


def _is_option(value: object) -> bool:
    if isinstance(value, list):
        return all(map(_is_option, value))
    return isinstance(value, bool | int | float | str)


def _opening(where: str) -> str:
    return f"{where}: " if where else ""


def _line(where: str, section: str, mistake: Mistake, blame: Mapping[str, str]) -> str:
    assignment = blame.get(f"{section}.{mistake.key}")
    place = f"{_opening(where)}[{section}]{' ' if mistake.key else ''}{mistake.key}"
    return f"{f'override {assignment}' if assignment else place}: {mistake.text}"


def _unknown_section(where: str, name: str, table: object, blame: Mapping[str, str]) -> str:
    if isinstance(table, Mapping):
        setting = [text for key, text in blame.items() if key.startswith(f"{name}.")]
        place = f"override {setting[0]}" if setting else f"{_opening(where)}[{name}]"
        return (
            f"{place}: no such section; there is {', '.join(SECTIONS)}."
            f"{did_you_mean(name, SECTIONS)}"
        )
    return (
        f"{_opening(where)}{name}: wanted every key in a section, got {shown(table)}."
        f"{_did_you_mean_key(name)}"
    )


def _no_assignment(text: str) -> str:
    name = text.partition("=")[0].strip()
    return f"override {text}: wanted section.key=value, got {text!r}.{_did_you_mean_key(name)}"


def _did_you_mean_key(name: str) -> str:
    """Suggest the dotted key that a name without a section was meant for."""
    owners = [key for key in KEYS if key.partition(".")[2] == name]
    return f" Did you mean {owners[0]!r}?" if len(owners) == 1 else did_you_mean(name, KEYS)
