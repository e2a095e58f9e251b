"""What can go wrong, by kind; every message says what was wanted, what came and what to do.

The command line prints the message of a `TutelageError` and exits with code 2. Anything else that
escapes is a defect of the toolkit and keeps its traceback.
"""

from collections.abc import Iterable
from difflib import get_close_matches


class TutelageError(Exception):
    """Something a user can mend: the message says how."""


class ConfigError(TutelageError, ValueError):
    """A recipe, an override or a flag is not what it should be."""


class ShapeError(TutelageError, ValueError):
    """Tensors do not fit each other."""


class DtypeError(TutelageError, TypeError):
    """A tensor has the wrong number type, or two lie on different devices."""


class RangeError(TutelageError, ValueError):
    """A number or a label lies outside its range."""


class DataError(TutelageError):
    """A data set is missing, broken or not what the recipe says."""


class ModelError(TutelageError):
    """A network cannot be built, or its weights do not fit it."""


class TeacherError(TutelageError):
    """The teacher cannot teach: no weights, worse than chance, or changed by the run."""


class RecordError(TutelageError):
    """A run folder is missing, unfinished or broken."""


class GraphError(TutelageError):
    """A graph cannot be opened, read or changed, or what was to be imported is broken."""


class GraphBusyError(GraphError):
    """A question to the graph took longer than it may."""


class NonFiniteError(TutelageError, ArithmeticError):
    """A loss term or a gradient became infinite or not a number."""


def did_you_mean(word: str, choices: Iterable[str]) -> str:
    """Return `` Did you mean 'x'?`` for the nearest choice, or an empty string.

    >>> did_you_mean("temprature", ["temperature", "beta"])
    " Did you mean 'temperature'?"
    >>> did_you_mean("zebra", ["temperature", "beta"])
    ''
    """
    near = get_close_matches(word, list(choices), n=1)
    return f" Did you mean {near[0]!r}?" if near else ""
