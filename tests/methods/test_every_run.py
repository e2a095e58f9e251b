"""Every method in a run of the engine: trained, recorded, read, with what it learns counted."""

from pathlib import Path

import pytest

from tutelage.config import RunConfig, loads, override
from tutelage.engine import run
from tutelage.methods import methods


@pytest.fixture(scope="module")
def taught(npz_path: Path, tmp_path_factory: pytest.TempPathFactory) -> RunConfig:
    """A run of a second, by a teacher that was trained before."""
    config = loads(
        f"""
[data]
name = "npz"
root = {str(npz_path)!r}
validation = 0.2
[student]
name = "glyph_student"
[method]
name = "ce"
[optimizer]
lr = 0.01
[schedule]
name = "constant"
[train]
epochs = 1
batch_size = 48
record_every = 2
[run]
dir = {str(tmp_path_factory.mktemp("runs"))!r}
"""
    )
    teacher = run(override(config, ["student.name=glyph_teacher", "train.epochs=3"]))
    return override(config, [f"teacher.weights={teacher.path}"])


@pytest.mark.parametrize("method", [*methods, "dkd+reviewkd"])
def test_a_run_by_it_records_its_terms_and_their_shares_of_the_gradient(
    taught: RunConfig, method: str
) -> None:
    fitting = ["method.top_classes=2"] if method == "gdkd" else []  # of five classes
    done = run(override(taught, [f"method.name={method}", *fitting]))
    assert done.result is not None
    for row in done.rows:
        assert row.terms.keys() == row.gradient_share.keys() >= {"ce"}
        assert sum(row.gradient_share.values()) == pytest.approx(1, abs=1e-5)
    assert (done.result.teacher_parameters is None) == (not methods[method].needs_teacher)
