"""The recipes that come with the package, and how one is found."""

import os
from dataclasses import dataclass
from pathlib import Path

from tutelage.errors import ConfigError, did_you_mean


@dataclass(frozen=True, slots=True)
class RecipeInfo:
    """A recipe of the package; the summary is the comment on its first line."""

    name: str
    path: Path
    summary: str


def recipes() -> dict[str, RecipeInfo]:
    """Return the recipes of the package by name, in the order of their names."""
    return {path.stem: _info(path) for path in sorted(_folder().glob("*.toml"))}


def find_recipe(name_or_path: str | Path) -> Path:
    """Return the file of a recipe.

    A name without a folder or an ending is a recipe of the package; otherwise it is the path of a
    TOML file, or of a run folder, whose ``run.toml`` is meant.

    Raises:
        ConfigError: there is none.
    """
    path = Path(name_or_path)
    if (path / "run.toml").is_file():
        return path / "run.toml"
    if path.suffix == ".toml" or path.name != os.fspath(name_or_path):
        if path.is_file():
            return path
        raise ConfigError(
            f"no recipe lies at {os.fspath(name_or_path)!r}; give the path of a TOML file or of a "
            f"run folder, or a name that `tutelage list recipes` shows."
        )
    there = recipes()
    if path.name not in there:
        raise ConfigError(
            f"no recipe is named {path.name!r}; there is {', '.join(there) or 'none'}."
            f"{did_you_mean(path.name, there)}"
        )
    return there[path.name].path


def _folder() -> Path:
    from importlib.resources import files  # 10 ms that only a look-up need pay

    return Path(str(files("tutelage"))) / "recipes"


def _info(path: Path) -> RecipeInfo:
    with path.open(encoding="utf-8") as lines:
        first = lines.readline()
    summary = first.lstrip("#").strip() if first.startswith("#") else ""
    return RecipeInfo(path.stem, path, summary)
