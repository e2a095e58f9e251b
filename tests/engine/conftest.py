"""What several tests of the engine need."""

from collections.abc import Callable
from types import ModuleType

import pytest
from torch import nn


@pytest.fixture
def own_network(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[..., nn.Module]], str]:
    """Make a builder importable for one test, and return its name."""

    def register(builder: Callable[..., nn.Module]) -> str:
        module = ModuleType("networks_of_a_test")
        monkeypatch.setitem(__import__("sys").modules, module.__name__, module)
        module.__dict__["network"] = builder
        return f"{module.__name__}:network"

    return register
