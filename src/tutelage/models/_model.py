"""What a network is to the toolkit: a builder, and the module paths of its stages."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from torch import nn

from tutelage.registry import Registry

Builder = Callable[..., nn.Module]
"""Called as ``builder(num_classes=..., channels=...)``."""


@dataclass(frozen=True, slots=True)
class Network:
    """One entry of the zoo.

    `stages` maps ``stem``, ``stage1`` ... and ``pooled`` to module paths inside the built network
    (what ``nn.Module.get_submodule`` takes); a hook on them sees the feature of that stage. A
    network is never edited for a method.
    """

    name: str
    family: str
    build: Builder
    stages: Mapping[str, str] = field(default_factory=dict)
    paper: str = ""


models: Registry[Network] = Registry("model", "tutelage.models")


def build(name: str, *, num_classes: int, channels: int = 3) -> nn.Module:
    """Build a network by name, with fresh weights."""
    raise NotImplementedError


def stages(name: str, module: nn.Module) -> dict[str, str]:
    """Return the stages of a built network: name to module path."""
    raise NotImplementedError
