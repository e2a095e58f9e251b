"""The built page, read once at the start: no address is ever looked up on the disk."""

from dataclasses import dataclass
from pathlib import Path

STATIC = Path(__file__).with_name("static")
"""Where the build of ``frontend/`` puts ``index.html`` and ``assets/``."""

TYPES = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".ico": "image/x-icon",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".woff2": "font/woff2",
}

MISSING = (
    "The page was not built: it is missing from this checkout. Build it with "
    "`npm ci && npm run build` in the folder frontend, or install the package with pip, which "
    "does that by itself. The API works without it."
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Asset:
    """A file of the page."""

    content: bytes
    media_type: str


def read_assets(static: Path) -> dict[str, Asset]:
    """Return the files of the page by name: "" is the page, the others are what it loads.

    The names of the others hold a hash of their content, so they never change. Nothing is
    returned where the page was not built.
    """
    if not (static / "index.html").is_file():
        return {}
    named = {path.name: path for path in (static / "assets").glob("*") if path.suffix in TYPES}
    named[""] = static / "index.html"
    return {
        name: Asset(content=path.read_bytes(), media_type=TYPES[path.suffix])
        for name, path in named.items()
    }
