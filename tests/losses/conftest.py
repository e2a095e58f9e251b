"""Who computes KD and DKD: each test of the quick path is of both."""

import pytest

from tutelage.losses import _compiled, computed_by


@pytest.fixture(params=["C", "torch"])
def computed(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Return what computes the quick path in this test."""
    if request.param == "torch":
        monkeypatch.setattr(_compiled, "_library", lambda: (None, "a test wants it so"))
    elif computed_by() != "C":
        pytest.skip(f"computed by {computed_by()}")
    found: str = request.param
    return found
