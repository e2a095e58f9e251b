"""A face of a font file: who it is, and its hundred pictures."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from fontTools.ttLib import TTFont, TTLibError
from numpy.typing import NDArray
from PIL import ImageFont

CHARACTERS = "".join(map(chr, range(33, 127))) + "£§©±¿é"
LETTERS = "".join(filter(str.isalnum, CHARACTERS[:94]))  # with the digits; no signs
SIDE = 28  # pixels of a picture
MARGIN = 1  # pixels kept free on every side
EM = 256  # pixels per em of the drawing that is averaged down; hinting is then too small to see

Pictures = NDArray[np.uint8]
Matrix = NDArray[np.float64]


class UnusableFaceError(Exception):
    """A face that cannot give a hundred pictures; the message is the reason, in few words."""


@dataclass(frozen=True, slots=True)
class Face:
    """One face; `weight` and `width` are the classes of its OS/2 table (400 and 5 are regular)."""

    package: str
    file: str
    index: int
    family: str
    style: str
    weight: int
    width: int
    italic: bool


def count_faces(path: Path) -> int:
    """Return how many faces a font file holds: one, or the length of a collection."""
    head = path.read_bytes()[:12]
    return int.from_bytes(head[8:12], "big") if head[:4] == b"ttcf" else 1


def read_face(path: Path, index: int, package: str) -> Face:
    """Read the names of a face and check that it maps all the characters to outlines.

    Raises:
        UnusableFaceError: the file is broken, bitmap-only or nameless, or lacks a character.
    """
    try:
        with TTFont(path, fontNumber=index, lazy=True) as font:
            cmap = font.getBestCmap() or {}
            if any(cmap.get(ord(character), ".notdef") == ".notdef" for character in CHARACTERS):
                raise UnusableFaceError("lacks characters")
            if not {"glyf", "CFF ", "CFF2"} & set(font.keys()):
                raise UnusableFaceError("no outlines")
            family = font["name"].getBestFamilyName()
            style = font["name"].getBestSubFamilyName() or "Regular"
            weight, width, italic = 400, 5, bool(font["head"].macStyle & 2)
            if "OS/2" in font:
                weight, width = font["OS/2"].usWeightClass, font["OS/2"].usWidthClass
                italic |= bool(font["OS/2"].fsSelection & 1)
    except (TTLibError, KeyError, AssertionError, ValueError, OSError) as error:
        raise UnusableFaceError("broken file") from error
    if not any(map(str.isalpha, family or "")):
        raise UnusableFaceError("no family name")
    family = " ".join(family.split())
    return Face(package, path.name, index, family, style, weight, width, italic)


def render(path: Path, index: int = 0, characters: str = CHARACTERS) -> Pictures:
    """Draw characters of a face as uint8 ``[len(characters), 28, 28]``, ink high, baseline kept.

    They share one scale and one baseline: the box from the highest to the lowest ink of them
    all fits the picture less its margin, and so does the widest. Each is centred
    sideways by its ink. The value of a pixel is the share of its area that is ink, times 255.

    Raises:
        UnusableFaceError: the face cannot be drawn, or a character is blank.
    """
    try:
        font = ImageFont.truetype(path, EM, index, layout_engine=ImageFont.Layout.BASIC)
        drawn = [_draw(font, character) for character in characters]
    except (OSError, ValueError) as error:
        raise UnusableFaceError("cannot be drawn") from error
    top = min(top for _, top in drawn)
    bottom = max(top + ink.shape[0] for ink, top in drawn)
    extent = max(bottom - top, *(ink.shape[1] for ink, _ in drawn))
    pixel = extent / (SIDE - 2 * MARGIN)  # of the drawing, per picture pixel
    high = (top + bottom - SIDE * pixel) / 2  # where the picture begins, from the baseline down
    pictures = []
    for ink, ink_top in drawn:
        rows = shares(ink_top - high, ink.shape[0], pixel)
        columns = shares((SIDE * pixel - ink.shape[1]) / 2, ink.shape[1], pixel)
        pictures.append(rows @ ink @ columns.T)
    return np.rint(np.stack(pictures)).clip(0, 255).astype(np.uint8)


def backslash_is_currency(path: Path, index: int = 0) -> bool:
    """Tell whether the face draws the backslash as ¥ or ₩, as old Japanese and Korean sets do."""
    backslash = render(path, index, "\\").astype(np.float64)
    for sign in "¥₩":
        try:
            other = render(path, index, sign).astype(np.float64)
        except UnusableFaceError:  # it has no such sign, and draws nothing in its place
            continue
        if ((backslash - other) ** 2).sum() < 0.1 * (backslash**2 + other**2).sum():
            return True
    return False


def shares(start: float, length: int, pixel: float) -> Matrix:
    """Return ``[28, length]``: the share of each picture pixel that each drawn pixel covers.

    The drawn pixels are 1 long, the first begins at `start`; picture pixels are `pixel` long.

    >>> shares(1.0, 4, 2.0)[:3]
    array([[0.5, 0. , 0. , 0. ],
           [0. , 0.5, 0.5, 0. ],
           [0. , 0. , 0. , 0.5]])
    """
    left = start + np.arange(length)
    edge = pixel * np.arange(SIDE)[:, None]
    overlap = np.minimum(left + 1, edge + pixel) - np.maximum(left, edge)
    return np.asarray(overlap.clip(min=0) / pixel)


def _draw(font: ImageFont.FreeTypeFont, character: str) -> tuple[Matrix, int]:
    """Return the ink of a character, cropped, and its top from the baseline down (up is < 0)."""
    mask, (_, offset) = font.getmask2(character, mode="L", anchor="ls")
    box = mask.getbbox()
    if box is None:
        raise UnusableFaceError("blank character")
    ink = np.array(mask, dtype=np.float64).reshape(mask.size[::-1])
    left, top, right, bottom = box
    return ink[top:bottom, left:right], offset + top
