"""What may stand in a recipe: every key with its default, its range and its help."""

import inspect
from collections.abc import Iterator
from dataclasses import MISSING, dataclass
from typing import Any

from tutelage.config.border import default_of, shown, type_hints, wanted
from tutelage.config.run import RunConfig


@dataclass(frozen=True, slots=True)
class Key:
    """One key of a recipe; `default` is as a recipe writes it, and empty where none is."""

    name: str
    default: str
    wanted: str
    help: str


def describe(cls: type = RunConfig, prefix: str = "") -> tuple[Key, ...]:
    """Return every key that the dataclass `cls` holds: a run's, a section's or a method Config's.

    The help of a key is read from the source: the comment lines right above its field and the
    comment at the end of its line. Where no source is at hand the help is empty.

    >>> next(key for key in describe() if key.name == "optimizer.lr")
    Key(name='optimizer.lr', default='0.05', wanted='a number above 0', help='learning rate at \
the start, after warm-up')
    """
    if cls is RunConfig:
        return tuple(
            key
            for section, section_cls in type_hints(cls).items()
            for key in describe(section_cls, f"{section}.")
            if key.name != "method.options"
        )
    comments = _comments(cls)
    return tuple(_key(cls, prefix, name, hint, comments) for name, hint in type_hints(cls).items())


def _key(cls: type, prefix: str, name: str, hint: Any, comments: dict[str, str]) -> Key:
    default = default_of(cls, name)
    written = "" if default is MISSING or default is None else shown(default)
    return Key(f"{prefix}{name}", written, wanted(hint), comments.get(name, ""))


def _comments(cls: type) -> dict[str, str]:
    """Return the comments of the fields of a class and its bases, by field name."""
    comments: dict[str, str] = {}
    for ancestor in reversed(cls.__mro__[:-1]):
        try:
            lines = inspect.getsource(ancestor).splitlines(keepends=True)
        except (OSError, TypeError):  # no source: typed into a prompt, or compiled
            continue
        comments |= dict(_comments_of(lines))
    return comments


def _comments_of(lines: list[str]) -> Iterator[tuple[str, str]]:
    import ast
    import tokenize
    from textwrap import dedent

    source = dedent("".join(lines))
    tokens = tokenize.generate_tokens(iter(source.splitlines(keepends=True)).__next__)
    words = {
        token.start[0]: token.string.lstrip("#").strip()
        for token in tokens
        if token.type == tokenize.COMMENT
    }
    statements = ast.parse(source).body[0]
    assert isinstance(statements, ast.ClassDef)
    ended = 0
    for statement in statements.body:
        end = statement.end_lineno or statement.lineno
        if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name):
            above = statement.lineno
            while above - 1 > ended and above - 1 in words:
                above -= 1
            told = [words[line] for line in range(above, end + 1) if line in words]
            yield statement.target.id, " ".join(told)
        ended = end
