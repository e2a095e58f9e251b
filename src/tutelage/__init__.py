"""Tutelage: teach small networks from large ones."""

from tutelage._version import __version__

__all__ = ["__version__"]
