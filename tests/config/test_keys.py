"""The help of a key is the comment beside it."""

from dataclasses import dataclass, field
from typing import Annotated

from annotated_types import Gt

from tutelage.config import Key, MethodConfig, RunConfig, describe, loads, to_mapping
from tutelage.config.toml import KEYS


@dataclass(frozen=True, kw_only=True)
class Base:
    # two lines
    # above
    weight: float = 1.0  # and one beside


@dataclass(frozen=True, kw_only=True)
class Options(Base):
    """A docstring with a # that is no comment."""

    layers: int  # required

    # not about the next: a blank line parts them

    temperature: Annotated[float, Gt(0)] = 4.0  # inside
    mark: str = "# no comment"
    names: tuple[str, ...] = field(default_factory=tuple)  # of stages
    limit: float | None = None


def test_comments_above_and_beside_a_field_become_its_help() -> None:
    assert describe(Options, "method.") == (
        Key("method.weight", "1.0", "a number", "two lines above and one beside"),
        Key("method.layers", "", "a whole number", "required"),
        Key("method.temperature", "4.0", "a number above 0", "inside"),
        Key("method.mark", "'# no comment'", "text", ""),
        Key("method.names", "[]", "a list, each text", "of stages"),
        Key("method.limit", "", "a number", ""),
    )


def test_a_class_without_source_has_keys_without_help() -> None:
    space: dict[str, object] = {"__name__": "nowhere"}
    exec("from dataclasses import dataclass\n@dataclass\nclass C:\n    a: int = 1  # lost\n", space)
    cls = space["C"]
    assert isinstance(cls, type)
    assert describe(cls) == (Key("a", "1", "a whole number", ""),)


def test_every_key_of_a_run_is_described_once_and_with_help() -> None:
    keys = describe()
    assert [key.name for key in keys] == list(KEYS)
    assert [key.name for key in keys if not key.help] == []


def test_a_described_default_is_what_an_empty_recipe_gets() -> None:
    tables = to_mapping(loads("[student]\nname = 's'"))
    for key in describe():
        section, _, name = key.name.partition(".")
        if key.name != "student.name":
            lines = "\n".join(
                ["[student]", "name = 's'", f"[{section}]", f"{name} = {key.default}"]
            )
            again = lines.replace("[student]\nname = 's'\n[student]", "[student]\nname = 's'")
            assert to_mapping(loads(again)) == tables, key.name


def test_a_run_is_described_without_the_container_of_options() -> None:
    assert "options" in {key.name for key in describe(MethodConfig)}
    assert "method.options" not in {key.name for key in describe(RunConfig)}
