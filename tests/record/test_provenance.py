"""Facts about where a result comes from are facts."""

import importlib.metadata
import os
import platform
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

import tutelage
from tutelage.record import commit, machine, source_commit, versions

needs_git = pytest.mark.skipif(shutil.which("git") is None, reason="there is no git")


def git(folder: Path, *command: str) -> str:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    answer = subprocess.run(
        ["git", "-c", "user.name=a", "-c", "user.email=a@b.c", "-C", str(folder), *command],
        env=clean,
        check=True,
        capture_output=True,
        text=True,
    )
    return answer.stdout.strip()


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    git(tmp_path, "init", "-q")
    (tmp_path / "file.py").write_text("1\n", encoding="utf-8")
    git(tmp_path, "add", "file.py")
    git(tmp_path, "commit", "-q", "-m", "one")
    git(tmp_path, "tag", "v1")  # a tag must not stand in for the commit
    return tmp_path


@needs_git
def test_the_commit_of_a_checkout_is_its_head(checkout: Path) -> None:
    assert commit(checkout) == git(checkout, "rev-parse", "HEAD")
    (checkout / "inner").mkdir()
    assert commit(checkout / "inner") == git(checkout, "rev-parse", "HEAD")


@needs_git
def test_an_edited_checkout_is_dirty_and_a_new_file_does_not_count(checkout: Path) -> None:
    head = git(checkout, "rev-parse", "HEAD")
    (checkout / "new.txt").touch()
    assert commit(checkout) == head
    (checkout / "file.py").write_text("2\n", encoding="utf-8")
    assert commit(checkout) == f"{head}-dirty"


@needs_git
def test_a_folder_outside_of_git_has_no_commit(tmp_path: Path) -> None:
    assert commit(tmp_path) is None
    assert commit(tmp_path / "nowhere") is None


@needs_git
def test_git_looks_at_the_folder_and_not_where_a_hook_points(
    checkout: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIT_DIR", str(checkout / ".git"))
    assert commit(tmp_path_factory.mktemp("elsewhere")) is None


def test_without_git_there_is_no_commit(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert commit(Path(__file__).parent) is None
    assert source_commit() == f"tutelage {tutelage.__version__}"


@needs_git
def test_a_package_that_git_does_not_know_is_named_by_its_version(
    checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = checkout / "venv" / "tutelage" / "__init__.py"
    package.parent.mkdir(parents=True)
    package.touch()
    monkeypatch.setattr(tutelage, "__file__", str(package))
    assert source_commit() == f"tutelage {tutelage.__version__}"
    git(checkout, "add", "venv")
    git(checkout, "commit", "-q", "-m", "two")
    assert source_commit() == git(checkout, "rev-parse", "HEAD")


def test_versions_are_those_that_are_installed() -> None:
    found = versions()
    assert found["python"] == platform.python_version()
    assert found["tutelage"] == tutelage.__version__
    assert found["torch"] == importlib.metadata.version("torch")
    assert set(found) == {
        "python",
        "tutelage",
        "torch",
        "torchvision",
        "lightning-fabric",
        "numpy",
    }


def test_a_package_that_is_absent_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tutelage.record.provenance.PACKAGES", ("torch", "no-such-package-here"))
    assert set(versions()) == {"python", "tutelage", "torch"}


def test_the_machine_says_what_it_is() -> None:
    facts = machine(threads=3, accelerator="NVIDIA A100")
    assert (facts.threads, facts.accelerator) == (3, "NVIDIA A100")
    assert facts.platform == platform.platform()
    assert facts.processor
    assert 1 <= facts.cores <= (os.cpu_count() or 1)


def test_peak_memory_is_this_process_s_own_in_bytes_and_stays_after_the_memory_is_freed() -> None:
    program = """
        from tutelage.record import peak_memory_bytes
        before = peak_memory_bytes()
        block = b"x" * 200_000_000
        during = peak_memory_bytes()
        del block
        print(before, during, peak_memory_bytes())
    """
    heavy_parent = b"x" * 300_000_000
    answer = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program)], capture_output=True, text=True, check=True
    )
    before, during, after = map(int, answer.stdout.split())
    assert len(heavy_parent) > before  # Linux's getrusage would tell the parent's memory
    assert during - before == pytest.approx(200_000_000, rel=0.05)
    assert after == pytest.approx(during, rel=0.01)
