"""What the page for users says of links is what the graph goes by."""

from pathlib import Path

import pytest

from tutelage.graph.model import LINK_KINDS, LinkKind

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "explore.md"


@pytest.mark.parametrize("kind", LINK_KINDS.values(), ids=lambda kind: kind.name)
def test_every_kind_of_link_is_explained(kind: LinkKind) -> None:
    (row,) = [
        line
        for line in PAGE.read_text(encoding="utf-8").splitlines()
        if line.startswith(f"| {kind.label} |")
    ]
    assert kind.rule in row
    assert ("Computed." in row) == kind.derived
