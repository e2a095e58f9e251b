"""Build the data set Glyphs-100 from the fonts of Debian's ``fonts-*`` packages.

    python -m tools.build_glyphs100 --cache CACHE     # fetch, draw, choose, split, write
    python -m tools.build_glyphs100 --verify          # check the shipped file against its manifest
    python -m tools.build_glyphs100 --sheet           # write the tables of the data sheet anew
    python -m tools.build_glyphs100 --contact FOLDER  # pictures of every family, to look at

Run it from the folder that holds ``tools``. A build needs Debian's apt-get (after ``apt-get
update``), dpkg-deb, and about 5 GB in CACHE; it installs nothing, and goes on where it was stopped.
"""

import argparse
import json
import platform
import sys
from collections import Counter
from collections.abc import Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Any

import fontTools
import numpy as np
import PIL.features
from numpy.typing import NDArray
from rich.progress import track

from tools.glyphs100 import families, packages
from tools.glyphs100.faces import (
    CHARACTERS,
    LETTERS,
    Face,
    Pictures,
    UnusableFaceError,
    backslash_is_currency,
    count_faces,
    read_face,
    render,
)
from tools.glyphs100.sheet import contact_sheets, written_anew
from tutelage.data.glyphs import HOME, SPLITS, unpack

SHEET = Path(__file__).parents[1] / "docs/data/glyphs100.md"
SEED = 0
LARGEST = 30_000_000  # bytes of a package; larger ones are Chinese, Japanese, Korean, or Noto extra
LEVELS = 16


def drawn(package: packages.Package, cache: Path) -> Path:
    """Return the file with all usable faces of a package, drawing them the first time."""
    file = cache / "drawn" / f"{package.name}_{package.sha256[:16]}.npz"
    if file.exists():
        return file
    tree = packages.unpack(package, cache / "debs", cache / "trees")
    faces: list[Face] = []
    pictures: list[tuple[Pictures, Pictures]] = []
    dropped: Counter[str] = Counter()
    for path in packages.font_files(tree):
        for index in range(count_faces(path)):
            result = face_or_reason(path, index, package.name)
            if isinstance(result, str):
                dropped[result] += 1
            else:
                faces.append(result[0])
                pictures.append(result[1:])
    facts = {
        "faces": [asdict(face) for face in faces],
        "dropped": dropped,
        "licences": packages.licences(tree, package.name),
    }
    half = file.with_suffix(".half.npz")
    np.savez(
        half,
        facts=json.dumps(facts),
        whole=np.array([p[0] for p in pictures], np.uint8).reshape(-1, len(CHARACTERS), 28, 28),
        letters=np.array([p[1] for p in pictures], np.uint8).reshape(-1, len(LETTERS), 28, 28),
    )
    half.rename(file)
    return file


def face_or_reason(path: Path, index: int, package: str) -> tuple[Face, Pictures, Pictures] | str:
    """Return a face, its hundred pictures and its letters; or, in words, why it has none."""
    try:
        face = read_face(path, index, package)
        if backslash_is_currency(path, index):
            return "backslash drawn as ¥ or ₩"
        return face, render(path, index), render(path, index, LETTERS)
    except UnusableFaceError as reason:
        return str(reason)


def build(cache: Path, out: Path, processes: int) -> None:
    """Fetch, draw, choose, split and write ``glyphs100.npz`` and ``manifest.json``."""
    listed = packages.listed(packages.archive_index())
    wanted = [package for package in listed if package.size <= LARGEST]
    packages.fetch(wanted, cache / "debs")
    for folder in ("trees", "drawn"):
        (cache / folder).mkdir(exist_ok=True)
    with ProcessPoolExecutor(processes) as pool:
        work = pool.map(partial(drawn, cache=cache), wanted)
        files = list(track(work, description="Drawing", total=len(wanted)))
    faces, whole, letters, facts = gathered(files)
    dropped = Counter(facts["dropped"])
    reasons = [families.objection(face, own) for face, own in zip(faces, whole, strict=True)]
    dropped.update(filter(None, reasons))
    fit = [position for position, reason in enumerate(reasons) if not reason]
    faces, whole, letters = [faces[position] for position in fit], whole[fit], letters[fit]
    chosen = families.chosen(faces, families.relative_distances(whole))
    kin = families.kin(faces, families.relative_distances(letters))
    split = families.split_by_kin({name: kin[name] for name in chosen}, SEED)

    names = sorted(chosen, key=lambda name: (SPLITS.index(split[name]), name))
    arrays = packed_arrays([whole[chosen[name]] for name in names], [split[name] for name in names])
    out.mkdir(parents=True, exist_ok=True)
    file = out / "glyphs100.npz"
    np.savez_compressed(file, allow_pickle=False, **arrays)
    listing: list[dict[str, Any]] = [
        {
            "name": faces[chosen[name][0]].family,
            "split": split[name],
            "kin": kin[name],
            "faces": [_without_family(faces[face]) for face in chosen[name]],
        }
        for name in names
    ]
    splits = {name: counted([one for one in listing if one["split"] == name]) for name in SPLITS}
    sources = {face["package"] for family in listing for face in family["faces"]}
    images = unpack(arrays["packed"])
    manifest = {
        "name": "Glyphs-100",
        "seed": SEED,
        "characters": CHARACTERS,
        "levels": LEVELS,
        "file": {"name": file.name, "bytes": file.stat().st_size, "sha256": file_hash(file)},
        "arrays": {name: described(array) for name, array in arrays.items()},
        "images": described(images),
        **statistics(images[: splits["train"]["pictures"]]),
        "splits": splits,
        "families": listing,
        "usable": {"faces": len(faces), "families": len(kin), "kin": len(set(kin.values()))},
        "copied_families": sorted(set(kin) - set(chosen)),
        "dropped_faces": dict(sorted(dropped.items())),
        "packages": [
            {
                "name": package.name,
                "version": package.version,
                "sha256": package.sha256,
                "licences": facts["licences"][package.name],
            }
            for package in wanted
            if package.name in sources
        ],
        "packages_read": len(wanted),
        "packages_too_large": [package.name for package in listed if package not in wanted],
        "built_with": {
            "python": platform.python_version(),
            "numpy": np.__version__,
            "pillow": PIL.__version__,
            "freetype": PIL.features.version("freetype2"),
            "fonttools": fontTools.version,
        },
    }
    text = json.dumps(manifest, ensure_ascii=False, indent=1)
    (out / "manifest.json").write_text(text + "\n", encoding="utf-8")
    shown = ("file", "splits", "usable", "dropped_faces")
    print(json.dumps({key: manifest[key] for key in shown}, ensure_ascii=False))


def packed_arrays(pictures: Sequence[Pictures], splits: Sequence[str]) -> dict[str, NDArray[Any]]:
    """Return the arrays of the file, from the pictures ``[faces, 100, 28, 28]`` of each family."""
    faces = [len(own) for own in pictures]
    levels = np.rint(np.concatenate(pictures).reshape(-1, 28, 28) / 255 * (LEVELS - 1))
    halves = levels.astype(np.uint8).reshape(-1, 28, 14, 2)
    classes, numbers = np.arange(len(CHARACTERS)), np.arange(len(faces))
    return {
        "packed": halves[..., 0] << 4 | halves[..., 1],
        "labels": np.tile(classes.astype(np.uint8), sum(faces)),
        "family": np.repeat(numbers.astype(np.uint16), np.array(faces) * len(classes)),
        "family_split": np.array([SPLITS.index(name) for name in splits], dtype=np.uint8),
    }


def counted(listing: Sequence[dict[str, Any]]) -> dict[str, int]:
    """Return how many families, groups of kin, faces and pictures a list of families has."""
    faces = sum(len(family["faces"]) for family in listing)
    return {
        "families": len(listing),
        "kin": len({family["kin"] for family in listing}),
        "faces": faces,
        "pictures": faces * len(CHARACTERS),
    }


def _without_family(face: Face) -> dict[str, Any]:
    return {key: value for key, value in asdict(face).items() if key != "family"}


def gathered(files: Iterable[Path]) -> tuple[list[Face], Pictures, Pictures, dict[str, Any]]:
    """Return faces, their pictures, their letters, and the facts of all packages together."""
    faces: list[Face] = []
    whole, letters = [], []
    dropped: Counter[str] = Counter()
    licences = {}
    for file in files:
        with np.load(file) as arrays:
            facts = json.loads(str(arrays["facts"]))
            whole.append(arrays["whole"])
            letters.append(arrays["letters"])
        faces += [Face(**face) for face in facts["faces"]]
        dropped.update(facts["dropped"])
        licences[file.name.split("_")[0]] = facts["licences"]
    together = {"dropped": dropped, "licences": licences}
    return faces, np.concatenate(whole), np.concatenate(letters), together


def statistics(images: Pictures) -> dict[str, float]:
    """Return mean and standard deviation of the pixels, scaled to 0..1, rounded to 6 places."""
    share = np.bincount(images.ravel(), minlength=256) / images.size
    grey = np.arange(256) / 255
    mean = float(share @ grey)
    return {"mean": round(mean, 6), "std": round(float(share @ (grey - mean) ** 2) ** 0.5, 6)}


def described(array: NDArray[Any]) -> dict[str, Any]:
    """Return shape, type and SHA-256 of the little-endian content of an array."""
    content = np.ascontiguousarray(array.astype(array.dtype.newbyteorder("<"), copy=False))
    digest = sha256(content.tobytes()).hexdigest()
    return {"shape": list(array.shape), "dtype": str(array.dtype), "sha256": digest}


def file_hash(file: Path) -> str:
    """Return the SHA-256 of a file, in hexadecimal."""
    return sha256(file.read_bytes()).hexdigest()


def mismatches(out: Path) -> list[str]:
    """Return what in `out` differs from its manifest, nothing if all is well."""
    manifest = json.loads((out / "manifest.json").read_text(encoding="utf-8"))
    file = out / manifest["file"]["name"]
    wrong = []
    if (file.stat().st_size, file_hash(file)) != (
        manifest["file"]["bytes"],
        manifest["file"]["sha256"],
    ):
        wrong.append(f"{file.name}: length or SHA-256")
    with np.load(file) as arrays:
        wrong += [
            f"array {name}"
            for name, facts in manifest["arrays"].items()
            if described(arrays[name]) != facts
        ]
        if described(unpack(arrays["packed"])) != manifest["images"]:
            wrong.append("unpacked images")
    return wrong


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; return the exit code."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--cache", type=Path, help="where packages and drawings are kept")
    parser.add_argument("--out", type=Path, default=HOME, help="where the data set lies")
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--verify", action="store_true")
    parser.add_argument("--sheet", action="store_true")
    parser.add_argument("--contact", type=Path)
    options = parser.parse_args(arguments)
    if options.cache:
        build(options.cache, options.out, options.processes)
    if options.contact:
        contact_sheets(options.out, options.contact)
    if options.sheet:
        text = SHEET.read_text(encoding="utf-8")
        SHEET.write_text(written_anew(text, options.out), encoding="utf-8")
    if options.verify:
        wrong = mismatches(options.out)
        print("\n".join(wrong) or f"{options.out}: everything is as the manifest says")
        return len(wrong) > 0
    if not (options.cache or options.contact or options.sheet):
        parser.print_help()
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
