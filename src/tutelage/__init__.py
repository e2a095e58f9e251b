"""Tutelage: teach small networks from large ones.

Importing it loads no torch; `Distiller`, `distill` and the submodules do when they are first used.
"""

from typing import TYPE_CHECKING

from tutelage._version import __version__

if TYPE_CHECKING:
    from tutelage.api import distill
    from tutelage.engine import Distiller

__all__ = ["Distiller", "__version__", "distill"]


def __getattr__(name: str) -> object:
    if name == "Distiller":
        from tutelage.engine import Distiller

        return Distiller
    if name == "distill":
        from tutelage.api import distill

        return distill
    raise AttributeError(f"module 'tutelage' has no attribute {name!r}")
