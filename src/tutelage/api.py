"""`distill`: what the command of that name does, as one call."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from tutelage.config import load, override

if TYPE_CHECKING:
    from tutelage.engine import Reporter
    from tutelage.record import Run


def distill(
    recipe: str = "glyphs100",
    overrides: Mapping[str, object] | None = None,
    *,
    resume: bool = False,
    reporter: "Reporter | None" = None,
) -> "Run":
    """Teach a student by a recipe and return the record of the run.

    `recipe` is a name that ``tutelage list recipes`` shows, the path of a TOML file or a run
    folder; `overrides` maps dotted keys to values: ``{"method.beta": 4.0, "train.epochs": 3}``.
    A complete run of the same configuration is returned without being done again.

    Raises:
        TutelageError: something cannot be done; see `tutelage.engine.run` for the kinds.
    """
    import json

    from tutelage.engine import run

    # JSON writes every value a recipe may hold in a way that TOML reads.
    assignments = [f"{key}={json.dumps(value)}" for key, value in (overrides or {}).items()]
    return run(override(load(recipe), assignments), resume=resume, reporter=reporter)
