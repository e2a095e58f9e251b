"""Debian's font packages: fetch them, unpack them without installing, read their licences."""

import re
import subprocess
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

FONT_SUFFIXES = (".ttf", ".otf", ".ttc")  # outlines with a Unicode map; no bitmaps, no Type 1
BATCH = 30  # packages per call of apt-get


@dataclass(frozen=True, slots=True)
class Package:
    """A binary package as the archive's index lists it; `size` in bytes."""

    name: str
    version: str
    size: int
    sha256: str


def listed(index: str, prefix: str = "fonts-") -> list[Package]:
    r"""Return the packages of an apt index (``apt-cache dumpavail``) under `prefix`, by name.

    >>> listed("Package: fonts-a\nVersion: 1\nSize: 9\nSHA256: ff\n\nPackage: b\nSize: 1\n")
    [Package(name='fonts-a', version='1', size=9, sha256='ff')]
    """
    packages = {}
    for stanza in re.split(r"\n\n+", index):
        field = dict(re.findall(r"^(\w+): (.*)$", stanza, flags=re.MULTILINE))
        if field.get("Package", "").startswith(prefix):
            packages[field["Package"]] = Package(
                field["Package"], field["Version"], int(field["Size"]), field["SHA256"]
            )
    return [packages[name] for name in sorted(packages)]


def archive_index() -> str:
    """Return what apt knows of the archive; run ``apt-get update`` first."""
    return subprocess.run(
        ["apt-cache", "dumpavail"], check=True, capture_output=True, text=True
    ).stdout


def fetch(packages: list[Package], folder: Path) -> None:
    """Download the packages that `folder` lacks; nothing is installed."""
    folder.mkdir(parents=True, exist_ok=True)
    missing = [f"{one.name}={one.version}" for one in packages if not _debs(one, folder)]
    for start in range(0, len(missing), BATCH):
        subprocess.run(
            ["apt-get", "download", "-qq", *missing[start : start + BATCH]], cwd=folder, check=True
        )


def _debs(package: Package, folder: Path) -> list[Path]:
    version = package.version.replace(":", "%3a")  # as apt names its files
    return list(folder.glob(f"{package.name}_{version}_*.deb"))


def unpack(package: Package, debs: Path, trees: Path) -> Path:
    """Return the folder that holds the package's files, unpacking it the first time.

    Raises:
        ValueError: the package fetched is not the one in the archive's index.
    """
    tree = trees / f"{package.name}_{package.sha256[:16]}"
    if not tree.is_dir():
        (deb,) = _debs(package, debs)
        if sha256(deb.read_bytes()).hexdigest() != package.sha256:
            raise ValueError(f"{deb} does not have the SHA-256 of the index. Delete it, run again.")
        half = trees / f".{tree.name}"
        subprocess.run(["dpkg-deb", "-x", str(deb), str(half)], check=True)
        half.rename(tree)  # so that a folder under its final name is always whole
    return tree


def font_files(tree: Path) -> list[Path]:
    """Return the outline fonts of an unpacked package, links left out, by path."""
    return sorted(
        path
        for path in tree.rglob("*")
        if path.suffix.lower() in FONT_SUFFIXES and path.is_file() and not path.is_symlink()
    )


def licences(tree: Path, name: str) -> list[str]:
    """Return the short names in the package's machine-readable copyright file (DEP-5).

    A file in free prose names none: the list is then ``["see package"]``.
    """
    path = tree / "usr/share/doc" / name / "copyright"
    if not path.is_file():  # a link to the documentation of another package
        return ["see package"]
    text = path.read_text(encoding="utf-8", errors="replace")
    return dep5_licences(text) or ["see package"]


def dep5_licences(text: str) -> list[str]:
    r"""Return the licence short names of a DEP-5 file, the packaging's own stanza left out.

    >>> dep5_licences("Files: *\nLicense: OFL-1.1\n\nFiles: debian/*\nLicense: GPL-2+\n")
    ['OFL-1.1']
    """
    names = set()
    for stanza in re.split(r"\n\s*\n", text):
        files = re.search(r"^Files:\s*(.*)$", stanza, flags=re.MULTILINE)
        licence = re.search(r"^Licen[sc]e:[ \t]*(\S.*)$", stanza, flags=re.MULTILINE)
        if files and licence and not files.group(1).startswith("debian/"):
            names.add(licence.group(1).strip())
    return sorted(names)
