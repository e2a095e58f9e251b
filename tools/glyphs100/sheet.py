"""What is measured on the finished data set: the data sheet's tables, and sheets to look at."""

import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from tools.glyphs100.faces import CHARACTERS, Pictures
from tools.glyphs100.families import confusable
from tutelage.data.glyphs import SPLITS, unpack

Labels = NDArray[np.int64]


def written_anew(text: str, home: Path) -> str:
    """Return the data sheet with each ``<!-- NAME -->`` ... ``<!-- end -->`` part made anew."""
    manifest = json.loads((home / "manifest.json").read_text(encoding="utf-8"))
    with np.load(home / manifest["file"]["name"]) as arrays:
        images, labels = unpack(arrays["packed"]), arrays["labels"].astype(np.int64)
    parts = {
        "numbers": _numbers(manifest),
        "confusions": _confusions(images),
        "baselines": _baselines(images, labels, manifest),
        "dropped": _table(("reason", "faces"), sorted(manifest["dropped_faces"].items())),
        "packages": _packages(manifest),
    }
    for name, part in parts.items():
        opening, end = f"<!-- {name} -->\n", "<!-- end -->"
        if text.count(opening) != 1:
            raise ValueError(f"the data sheet must have one part {opening.strip()}.")
        before, after = text.split(opening)
        text = f"{before}{opening}{part}\n{end}{after.partition(end)[2]}"
    return text


def ridge(images: Pictures, labels: Labels, strength: float = 30.0) -> NDArray[np.float64]:
    """Return ``[785, classes]``: least squares from pixels and 1 to one-hot classes, shrunk."""
    classes = int(labels.max()) + 1
    gram, moment = np.zeros((785, 785)), np.zeros((785, classes))
    for part in range(0, len(images), 8192):
        pixels = _with_one(images[part : part + 8192])
        gram += pixels.T @ pixels
        moment += pixels.T @ np.eye(classes)[labels[part : part + 8192]]
    return np.asarray(np.linalg.solve(gram + strength * np.eye(785), moment))


def ridge_labels(weights: NDArray[np.float64], images: Pictures) -> Labels:
    """Return the class with the highest score of each picture."""
    return np.asarray((_with_one(images) @ weights).argmax(1))


def nearest_labels(known: Pictures, labels: Labels, images: Pictures) -> Labels:
    """Return the label of the known picture nearest (Euclid) to each picture."""
    table = known.reshape(len(known), -1).astype(np.float32) / 255
    squares = (table * table).sum(1)
    found = []
    for part in range(0, len(images), 512):
        query = images[part : part + 512].reshape(-1, table.shape[1]).astype(np.float32) / 255
        found.append((squares - 2 * (query @ table.T)).argmin(1))
    return np.asarray(labels[np.concatenate(found)])


def contact_sheets(home: Path, folder: Path, rows: int = 30) -> None:
    """Write one row of a hundred pictures for every face, `rows` to a PNG, in the file's order."""
    manifest = json.loads((home / "manifest.json").read_text(encoding="utf-8"))
    with np.load(home / manifest["file"]["name"]) as arrays:
        images = unpack(arrays["packed"]).reshape(-1, len(CHARACTERS), 28, 28)
    titles = [
        f"{family['split']}  {family['name']}  {face['style']}  {face['package']}"
        for family in manifest["families"]
        for face in family["faces"]
    ]
    folder.mkdir(parents=True, exist_ok=True)
    for start in range(0, len(titles), rows):
        sheet = Image.new("L", (len(CHARACTERS) * 28, rows * 42), 60)
        pen = ImageDraw.Draw(sheet)
        for row, title in enumerate(titles[start : start + rows]):
            strip = np.concatenate(list(images[start + row]), axis=1)
            sheet.paste(Image.fromarray(strip), (0, row * 42 + 14))
            pen.text((4, row * 42), title, fill=255)
        sheet.save(folder / f"faces-{start:04d}.png")


def _with_one(images: Pictures) -> NDArray[np.float64]:
    pixels = images.reshape(len(images), -1) / 255
    return np.concatenate([pixels, np.ones((len(images), 1))], axis=1)


def _table(head: tuple[str, ...], rows: Any) -> str:
    lines = [head, tuple("---" for _ in head), *rows]
    return "\n".join("| " + " | ".join(str(cell) for cell in line) + " |" for line in lines)


def _character(character: str) -> str:
    return "`` ` ``" if character == "`" else "`\\|`" if character == "|" else f"`{character}`"


def _numbers(manifest: dict[str, Any]) -> str:
    keys = ("families", "kin", "faces", "pictures")
    rows = [(name, *(manifest["splits"][name][key] for key in keys)) for name in SPLITS]
    total = ("all", *(sum(manifest["splits"][name][key] for name in SPLITS) for key in keys))
    size = manifest["file"]["bytes"] / 1e6
    return (
        _table(("split", "families", "groups of kin", "fonts", "pictures"), [*rows, total])
        + f"\n\nThe file has {size:.2f} MB, SHA-256 `{manifest['file']['sha256']}`. Mean "
        + f"{manifest['mean']}, standard deviation {manifest['std']} (training, pixels 0..1). "
        + f"Built with seed {manifest['seed']} from {len(manifest['packages'])} of "
        + f"{manifest['packages_read']} packages read, "
        + ", ".join(f"{name} {version}" for name, version in manifest["built_with"].items())
        + "."
    )


def _confusions(images: Pictures) -> str:
    faces = images.reshape(-1, len(CHARACTERS), 28, 28)
    same = {(one, other): share for one, other, share in confusable(faces, near=1e-9)}
    rows = [
        (
            f"{_character(one)} {_character(other)}",
            f"{100 * share:.1f} %",
            f"{100 * same[one, other]:.1f} %" if (one, other) in same else "< 1 %",
        )
        for one, other, share in confusable(faces, near=0.03)[:24]
    ]
    return _table(("characters", "fonts in which they are near", "the same"), rows)


def _baselines(images: Pictures, labels: Labels, manifest: dict[str, Any]) -> str:
    train, validation, _ = (manifest["splits"][name]["pictures"] for name in SPLITS)
    known, truth = images[:train], labels[:train]
    test = slice(train + validation, None)
    said = {
        "ridge regression on the pixels (penalty 30)": ridge_labels(
            ridge(known, truth), images[test]
        ),
        "nearest training picture (Euclid)": nearest_labels(known, truth, images[test]),
    }
    rows = [(name, f"{100 * (guess == labels[test]).mean():.2f} %") for name, guess in said.items()]
    guess, test_labels = said["nearest training picture (Euclid)"], labels[test]
    mistakes = np.zeros((len(CHARACTERS), len(CHARACTERS)), dtype=int)
    np.add.at(mistakes, (test_labels, guess), guess != test_labels)
    worst = np.argsort(-mistakes, axis=None, kind="stable")[:12]
    shown = ", ".join(
        f"{_character(CHARACTERS[cell // len(CHARACTERS)])} as "
        f"{_character(CHARACTERS[cell % len(CHARACTERS)])} ({mistakes.flat[cell]})"
        for cell in worst
    )
    return (
        _table(("classifier", "test accuracy"), rows)
        + f"\n\nThe most frequent mistakes of the nearest picture, of {len(test_labels)} test "
        + f"pictures: {shown}."
    )


def _packages(manifest: dict[str, Any]) -> str:
    counts: dict[str, int] = {}
    for family in manifest["families"]:
        for face in family["faces"]:
            counts[face["package"]] = counts.get(face["package"], 0) + 1
    rows = [
        (
            package["name"],
            package["version"],
            counts[package["name"]],
            ", ".join(package["licences"]),
        )
        for package in manifest["packages"]
    ]
    return _table(("package", "version", "fonts", "licences"), rows)
