"""From faces to families: which are copies, which are kin, and which split each goes to."""

import re
from collections import defaultdict
from collections.abc import Sequence
from hashlib import sha256

import numpy as np
from numpy.typing import NDArray
from scipy.sparse.csgraph import connected_components

from tools.glyphs100.faces import CHARACTERS, Face, Matrix, Pictures

COPY = 0.01  # faces nearer than this are one face under two names
KIN = 0.04  # families with letters nearer than this stay in one split
FACES = 3  # of a family, at most
SLOTS = ((400, False), (700, False), (400, True))  # weight and italic of the faces wanted
SHARES = {"test": 0.2, "validation": 0.1}  # of the families; the rest is for training
CROWD = 0.02  # kin holding more than this share of the families are for training
CAPITALS = 13  # of 26 small letters drawn as the capital: the label cannot be read off
LEAST_CAPITAL = 8  # pixels of height of the H

Families = dict[str, list[int]]

REFUSED = {
    **dict.fromkeys(
        (
            *("Binary BRK", "Binary X BRK", "Binary 01s BRK", "Binary X 01s BRK"),
            *("Bit Blocks TTF BRK", "D050000L", "Futharkadapted", "UKIJ Tughra"),
        ),
        "pictures or runes in place of letters",
    ),
    **dict.fromkeys(
        (
            *("Standard Symbols PS", "Ellhnikh", "Tamu_Kadambri", "Tamu_Kalyani"),
            "Tamu_Maduram",
        ),
        "another script in place of Latin letters",
    ),
    **dict.fromkeys(
        (
            *("TSCu_Comic", "TSCu_Paranar", "TSCu_Times", "Mitra", "cwTeXHeiBold"),
            *("Bookman Uralic", "Chancery Uralic", "Gothic Uralic", "Mono Uralic"),
            *("Palladio Uralic", "Roman Uralic", "Sans Uralic", "Sans Condensed Uralic"),
            *("Schoolbook Uralic", "Whatever BRK", "Underscore BRK", "Underscore 2 BRK"),
            "Akatab",
        ),
        "other signs in place of some of ' £ § © ± ¿ é",
    ),
}
"""Families that map these characters to something else, found by looking at every family."""

_REFUSED = {name.casefold(): reason for name, reason in REFUSED.items()}


def relative_distances(pictures: Pictures) -> Matrix:
    """Return ``[n, n]``: ``|a - b|^2 / (|a|^2 + |b|^2)`` between faces ``[n, k, 28, 28]``.

    0 is the same ink, 1 is no ink in common. Pictures are halved first, so that a shift by part
    of a pixel counts little.
    """
    n, k, height, width = pictures.shape
    halves = pictures.reshape(n, k, height // 2, 2, width // 2, 2).mean((3, 5)).reshape(n, -1)
    squares = (halves * halves).sum(1)
    gram = halves @ halves.T
    return np.asarray((1 - 2 * gram / (squares[:, None] + squares)).clip(min=0))


def objection(face: Face, pictures: Pictures) -> str:
    """Return why a face is not used, "" if nothing speaks against it."""
    if face.family.casefold() in _REFUSED:
        return _REFUSED[face.family.casefold()]
    capital = pictures[CHARACTERS.index("H")]
    if int((capital.max(1) > 100).sum()) < LEAST_CAPITAL:
        return "letters too small beside the tallest sign"
    upper = pictures[CHARACTERS.index("A") :][:26].reshape(26, -1).astype(np.float64)
    lower = pictures[CHARACTERS.index("a") :][:26].reshape(26, -1).astype(np.float64)
    apart = ((upper - lower) ** 2).sum(1) / ((upper**2).sum(1) + (lower**2).sum(1))
    if int((apart < COPY).sum()) >= CAPITALS:
        return "small letters drawn as capitals"
    return ""


def by_family(faces: Sequence[Face]) -> Families:
    """Return the positions of the faces of each family, by name without regard to case."""
    groups: Families = defaultdict(list)
    for position, face in enumerate(faces):
        groups[face.family.casefold()].append(position)
    return {name: groups[name] for name in sorted(groups)}


def chosen(faces: Sequence[Face], distances: Matrix) -> Families:
    """Return up to three faces of each family that no other face chosen is a copy of.

    Wanted are the regular, the bold and the italic; the nearest in weight and width serves.
    Families with many faces come first: a copy is mostly the smaller one. Families all of whose
    faces are copies are left out.
    """
    families = by_family(faces)
    kept: list[int] = []
    result: Families = {}
    for name in sorted(families, key=lambda name: (-len(families[name]), name)):
        left, own = families[name], []
        for weight, italic in SLOTS:
            left = [face for face in left if not kept or distances[face, kept].min() >= COPY]
            if not left:
                break
            best = min(left, key=lambda face: _unlike(faces[face], weight, italic))
            own.append(best)
            kept.append(best)
        if own:
            result[name] = own
    return {name: result[name] for name in sorted(result)}


def _unlike(face: Face, weight: int, italic: bool) -> tuple[int, str, str, int]:
    """Order faces by how far they are from a weight and a slant of regular width."""
    far = 1000 * (face.italic != italic) + abs(face.weight - weight) + 100 * abs(face.width - 5)
    return far, face.package, face.file, face.index


def kin(faces: Sequence[Face], letters: Matrix) -> dict[str, int]:
    """Return the number of each family's kin: families that share a design, directly or not.

    Two families are kin when a face of one is near a face of the other in `letters`, the distances
    of letters and digits alone, when they come in one package, or when their names begin with the
    same word (Noto Sans, Noto Mono).
    """
    families = by_family(faces)
    names = list(families)
    owner = np.empty(len(faces), dtype=np.intp)
    for number, positions in enumerate(families.values()):
        owner[positions] = number
    near = np.zeros((len(names), len(names)), dtype=bool)
    one, other = np.nonzero(letters < KIN)
    near[owner[one], owner[other]] = True
    first: dict[str, int] = {}
    for number, (name, positions) in enumerate(families.items()):
        word = re.split(r"[\W_]", name)[0]
        for sign in {word, *(f"package {faces[position].package}" for position in positions)}:
            near[first.setdefault(sign, number), number] = True
    _, groups = connected_components(near, directed=False)
    return dict(zip(names, groups.tolist(), strict=True))


def split_by_kin(groups: dict[str, int], seed: int) -> dict[str, str]:
    """Return the split of each family: whole kin, drawn in an order that `seed` gives.

    Kin fill the test split up to its share of the families, then validation; the rest, and crowds
    that would fill a good part of a split with one design, are for training. The order is
    that of SHA-256, the same on every machine.
    """
    members: dict[int, list[str]] = defaultdict(list)
    for name in sorted(groups):
        members[groups[name]].append(name)
    drawn = sorted(
        members.values(), key=lambda names: sha256(f"{seed} {names[0]}".encode()).digest()
    )
    split = dict.fromkeys(groups, "train")
    pool = [names for names in drawn if len(names) <= CROWD * len(groups)]
    for part, share in SHARES.items():
        filled = 0
        while pool and filled < share * len(groups):
            names = pool.pop(0)
            filled += len(names)
            split.update(dict.fromkeys(names, part))
    return split


def confusable(pictures: Pictures, near: float) -> list[tuple[str, str, float]]:
    """Return pairs of characters and the share of faces in which they are this near, worst first.

    Shapes: `pictures` ``[faces, 100, 28, 28]``. Pairs near in less than 1 % of faces are left out.
    """
    share: NDArray[np.float64] = np.zeros((len(CHARACTERS), len(CHARACTERS)))
    for face in pictures:
        share += relative_distances(face[:, None]) <= near
    share /= len(pictures)
    pairs = [
        (CHARACTERS[a], CHARACTERS[b], float(share[a, b]))
        for a, b in zip(*np.nonzero(np.triu(share, 1) >= 0.01), strict=True)
    ]
    return sorted(pairs, key=lambda pair: (-pair[2], pair[0], pair[1]))
