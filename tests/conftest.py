"""Small real data, quick runs and a database server for every room's tests."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import numpy as np
import pytest

from tutelage.config import RunConfig, loads

CLASSES = 5


# Each of several workers has its share of the cores: threads that wait for one spin. So told before
# torch is loaded, a worker's child processes have as many threads as itself.
_workers = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
if _workers > 1:
    os.environ.setdefault("OMP_NUM_THREADS", str(max(1, (os.cpu_count() or 1) // _workers)))


@pytest.fixture(scope="session")
def npz_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data set of 5 classes on disk: noisy 12x12 patterns, 300 to train, 100 to test."""
    generator = np.random.default_rng(0)
    patterns = generator.integers(0, 200, (CLASSES, 3, 3)).repeat(4, axis=1).repeat(4, axis=2)
    arrays = {}
    for part, count in (("train", 300), ("test", 100)):
        labels = np.arange(count) % CLASSES
        noise = generator.integers(-40, 55, (count, 12, 12))
        arrays[f"x_{part}"] = np.clip(patterns[labels] + noise, 0, 255).astype(np.uint8)
        arrays[f"y_{part}"] = labels.astype(np.int64)
    path = tmp_path_factory.mktemp("data") / "patterns.npz"
    np.savez(path, **arrays)
    return path


@pytest.fixture
def recipe(npz_path: Path, tmp_path: Path) -> str:
    """A recipe that runs in a second: labels alone, two epochs, into ``tmp_path/runs``."""
    return f"""
[data]
name = "npz"
root = {str(npz_path)!r}
validation = 0.2
augment = "affine"
[student]
name = "glyph_student"
[method]
name = "ce"
[schedule]
name = "cosine"
[train]
epochs = 2
batch_size = 32
record_every = 3
checkpoint_seconds = 0.0
precision = "32-true"
[run]
dir = {str(tmp_path / "runs")!r}
"""


@pytest.fixture
def config(recipe: str) -> RunConfig:
    """The run of `recipe`."""
    return loads(recipe)


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """The URL of a real PostgreSQL server's first database; skips where there is none."""
    if sys.platform == "win32":
        pytest.skip("PostgreSQL is tried by its Unix socket")
    from tests import postgres

    programs = postgres.binaries()
    if programs is None:
        pytest.skip("there is no PostgreSQL: apt install postgresql")
    with postgres.server(programs) as url:
        yield url


@pytest.fixture
def postgres_url(postgres_server: str) -> str:
    """The URL of an empty PostgreSQL database of the test's own."""
    import psycopg

    name = f"test_{uuid4().hex}"
    with psycopg.connect(postgres_server, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    return postgres_server.replace("/postgres?", f"/{name}?")
