from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.figure import Figure
from PIL import Image

from tutelage.config import RunConfig
from tutelage.lab import compare
from tutelage.lab.figure import draw


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> list[Figure]:
    figures: list[Figure] = []
    savefig = Figure.savefig

    def keep(self: Figure, *given: Any, **named: Any) -> None:
        figures.append(self)
        savefig(self, *given, **named)

    monkeypatch.setattr(Figure, "savefig", keep)
    return figures


def test_the_figure_shows_every_seed_each_mean_and_the_teacher(
    config: RunConfig, trainer: Any, drawn: list[Figure]
) -> None:
    draw(compare(config, ["ce", "dkd"], 3))
    (axes,) = drawn[0].axes
    lines = {str(line.get_label()): line for line in axes.get_lines()}
    assert np.asarray(lines["one seed"].get_xdata()) == pytest.approx([50, 70, 60])  # seed 5
    assert np.asarray(lines["teacher"].get_xdata()) == pytest.approx([90, 90])
    (bars,) = axes.containers
    assert np.asarray(bars[0].get_xdata()) == pytest.approx([51, 71, 61])
    (segments,) = bars[2]
    ends = [segment[:, 0] for segment in segments.get_segments()]
    half = 4.302653 / 3**0.5  # percentage points, sd 1
    assert ends[0] == pytest.approx([51 - half, 51 + half], abs=1e-4)
    assert [text.get_text() for text in axes.get_yticklabels()] == ["ce", "dkd", "kd 4.5 (control)"]
    assert axes.yaxis_inverted()  # the first arm is on top


def test_efficiency_is_top1_against_milliseconds_with_the_arms_numbered_and_named(
    config: RunConfig, trainer: Any, drawn: list[Figure]
) -> None:
    draw(compare(config, ["ce", "dkd"], 3))
    axes, names = drawn[2].axes
    points = [dots.get_offsets().data[0] for dots in axes.collections]  # type: ignore[union-attr]
    assert np.asarray(points) == pytest.approx(np.array([[64, 51], [64, 71], [64, 61]]))
    assert [text.get_text() for text in axes.texts] == ["1", "2", "3"]
    assert [text.get_text() for text in names.texts] == [
        " 1  ce: 51.0",
        " 2  dkd: 71.0",
        " 3  kd 4.5 (control): 61.0",
    ]


def test_no_share_beyond_0_or_100_percent_is_shown(
    config: RunConfig, trainer: Any, drawn: list[Figure]
) -> None:
    trainer.top1 = lambda run: 0.2 if run.train.seed == 5 else 0.9  # the interval is over 800 wide
    draw(compare(config, ["ce"], 2))
    assert drawn[0].axes[0].get_xlim() == (-2, 102)


def test_both_pictures_can_be_read_and_global_settings_stay(
    config: RunConfig, trainer: Any, tmp_path: Path
) -> None:
    before = dict(mpl.rcParams)
    pictures = draw(compare(config, ["ce"], 1))
    assert dict(mpl.rcParams) == before
    (tmp_path / "compare.png").write_bytes(pictures["compare.png"])
    with Image.open(tmp_path / "compare.png") as picture:
        assert picture.width > 1000
    assert ElementTree.fromstring(pictures["compare.svg"]).tag.endswith("svg")
