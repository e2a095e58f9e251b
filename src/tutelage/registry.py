"""Names to things: one class for methods, networks and data sets alike."""

from collections.abc import Callable, Iterator
from importlib import import_module
from pkgutil import iter_modules
from typing import Generic, TypeVar

from tutelage.errors import ConfigError, did_you_mean

T = TypeVar("T")


class Registry(Generic[T]):
    """A table from name to thing, filled by importing the modules of one package.

    A thing is found by being there: the first look-up imports every module of `package` whose
    name does not begin with an underscore, and each module adds what it defines.

    >>> colours: Registry[int] = Registry("colour")
    >>> colours.add("red", 0xFF0000)
    16711680
    >>> colours["rde"]
    Traceback (most recent call last):
    ...
    tutelage.errors.ConfigError: no colour is named 'rde'; there is red. Did you mean 'red'?
    """

    def __init__(self, kind: str, package: str | None = None) -> None:
        self.kind = kind
        self._package = package
        self._things: dict[str, T] = {}

    def add(self, name: str, thing: T) -> T:
        """Add `thing` under `name` and return it; a name taken by another thing is refused.

        Raises:
            ConfigError: `name` is taken.
        """
        taken = self._things.get(name)
        if taken is not None and taken is not thing:
            raise ConfigError(
                f"the {self.kind} name {name!r} is taken by {taken!r}; give {thing!r} another name."
            )
        self._things[name] = thing
        return thing

    def register(self, name: str) -> Callable[[T], T]:
        """Return a decorator that adds what it decorates under `name`."""
        return lambda thing: self.add(name, thing)

    def __getitem__(self, name: str) -> T:
        self._discover()
        if name not in self._things:
            there = ", ".join(sorted(self._things)) or "none"
            raise ConfigError(
                f"no {self.kind} is named {name!r}; there is {there}."
                f"{did_you_mean(name, self._things)}"
            )
        return self._things[name]

    def __contains__(self, name: object) -> bool:
        self._discover()
        return name in self._things

    def __iter__(self) -> Iterator[str]:
        self._discover()
        return iter(sorted(self._things))

    def __len__(self) -> int:
        self._discover()
        return len(self._things)

    def _discover(self) -> None:
        if self._package is None:
            return
        package, self._package = import_module(self._package), None
        for module in iter_modules(package.__path__):
            if not module.name.startswith("_"):
                import_module(f"{package.__name__}.{module.name}")
