"""Where the files of a data set lie, and how they get there."""

import os
from collections.abc import Callable
from pathlib import Path

from tutelage.errors import DataError


def places(root: Path | None) -> list[Path]:
    """Return the folders to look in: `root` alone if given, else the usual ones, best first.

    The usual ones are ``$TUTELAGE_DATA``, ``./data`` and ``~/.cache/tutelage``.
    """
    if root is not None:
        return [root.expanduser()]
    own = os.environ.get("TUTELAGE_DATA")
    return [*([Path(own).expanduser()] if own else []), Path("data"), _cache()]


def obtain(
    name: str, inside: Path, root: Path | None, fetch: Callable[[Path], object], by_hand: str
) -> Path:
    """Return the folder `inside` one of the `places`, fetched if it is in none.

    `fetch` is called with the place to fill: `root`, ``$TUTELAGE_DATA`` or ``~/.cache/tutelage``.
    `by_hand` says what a user without a network puts there.

    Raises:
        DataError: it is nowhere and cannot be fetched.
    """
    searched = places(root)
    for place in searched:
        if (place / inside).is_dir():
            return place / inside
        if place.name == inside.name and place.is_dir():
            return place
    home = searched[0] if root is not None or "TUTELAGE_DATA" in os.environ else _cache()
    try:
        home.mkdir(parents=True, exist_ok=True)
        fetch(home)
    except (OSError, RuntimeError) as error:
        raise DataError(
            f"{name} is wanted as a folder {inside.as_posix()!r} in one of "
            f"{', '.join(map(str, searched))}; it is in none, and the download to {home} failed "
            f"({error}). Put {by_hand} into {home}, or name the folder that has it with data.root."
        ) from error
    return home / inside


def _cache() -> Path:
    return Path("~/.cache/tutelage").expanduser()
