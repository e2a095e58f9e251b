import doctest
import sys
from pathlib import Path
from types import ModuleType

import matplotlib
import numpy as np
import pytest
from fontTools.ttLib import TTFont

sys.path.insert(0, str(Path(__file__).parents[2]))

from tools import build_glyphs100
from tools.glyphs100 import faces, families, packages, sheet
from tutelage.data.glyphs import HOME, unpack

FONTS = Path(matplotlib.get_data_path()) / "fonts/ttf"
SANS, BOLD = FONTS / "DejaVuSans.ttf", FONTS / "DejaVuSans-Bold.ttf"


def face(family: str, *, package: str = "p", weight: int = 400, italic: bool = False) -> faces.Face:
    return faces.Face(package, f"{family}-{weight}-{italic}.ttf", 0, family, "", weight, 5, italic)


@pytest.fixture(scope="module")
def sans() -> faces.Pictures:
    return faces.render(SANS)


@pytest.mark.parametrize("module", [faces, packages])
def test_the_examples_in_the_docstrings_run(module: ModuleType) -> None:
    result = doctest.testmod(module)
    assert result.attempted > 0
    assert result.failed == 0


def test_a_picture_holds_the_ink_that_the_outline_encloses(sans: faces.Pictures) -> None:
    # The bar | of DejaVu Sans is one rectangle: its area by its corners, in font units.
    with TTFont(SANS) as font:
        glyphs, cmap = font["glyf"], font.getBestCmap()
        boxes = [glyphs[cmap[ord(character)]] for character in faces.CHARACTERS]
        bar = glyphs[cmap[ord("|")]]
        extent = max(box.yMax for box in boxes) - min(box.yMin for box in boxes)
    pixel = extent / 26  # font units per picture pixel
    area = (bar.xMax - bar.xMin) * (bar.yMax - bar.yMin) / pixel**2
    ink = sans[faces.CHARACTERS.index("|")].sum() / 255
    assert ink == pytest.approx(area, rel=0.02)


def test_heights_of_a_font_keep_their_ratio_and_their_baseline(sans: faces.Pictures) -> None:
    with TTFont(SANS) as font:
        capital, small = (font["glyf"][letter].yMax for letter in "Hx")
    columns = sans.astype(float).max(2) / 255  # [100, 28]: how far each row is inked

    def height(character: str) -> float:
        return float(columns[faces.CHARACTERS.index(character)].sum())

    assert height("x") / height("H") == pytest.approx(small / capital, abs=0.04)
    feet = [int(np.flatnonzero(columns[faces.CHARACTERS.index(c)] > 0.5)[-1]) for c in "HIExkiln.!"]
    assert len(set(feet)) == 1


def test_every_character_is_centred_sideways_to_half_a_pixel(sans: faces.Pictures) -> None:
    for picture in sans:
        inked = np.flatnonzero(picture.max(0) > 100)
        assert abs((inked[0] + inked[-1]) / 2 - 13.5) <= 1.0


def test_drawing_twice_gives_the_same_bytes(sans: faces.Pictures) -> None:
    assert np.array_equal(sans, faces.render(SANS))


def test_names_and_weight_are_read_from_the_font() -> None:
    regular, bold = faces.read_face(SANS, 0, "p"), faces.read_face(BOLD, 0, "p")
    assert regular.family == bold.family == "DejaVu Sans"
    assert (regular.weight, bold.weight, bold.italic) == (400, 700, False)


def test_a_font_without_all_characters_is_refused_with_the_reason(tmp_path: Path) -> None:
    with pytest.raises(faces.UnusableFaceError, match="lacks characters"):
        faces.read_face(FONTS / "STIXSizOneSymReg.ttf", 0, "p")
    broken = tmp_path / "broken.ttf"
    broken.write_bytes(SANS.read_bytes()[:5000])
    with pytest.raises(faces.UnusableFaceError, match="broken"):
        faces.read_face(broken, 0, "p")
    assert build_glyphs100.face_or_reason(broken, 0, "p") == "broken file"


def test_a_yen_in_the_place_of_the_backslash_is_noticed(tmp_path: Path) -> None:
    assert not faces.backslash_is_currency(SANS)
    with TTFont(SANS) as font:
        for table in font["cmap"].tables:
            if table.isUnicode():
                table.cmap[ord("\\")] = table.cmap[ord("¥")]
        font.save(tmp_path / "yen.ttf")
    assert faces.backslash_is_currency(tmp_path / "yen.ttf")


def test_a_bold_font_is_no_copy_of_the_regular_and_a_dimmed_one_is(
    sans: faces.Pictures,
) -> None:
    dimmed = sans // 3 * 3
    apart = families.relative_distances(np.stack([sans, dimmed, faces.render(BOLD)]))
    assert apart[0, 1] < families.COPY < families.KIN < apart[0, 2]
    np.testing.assert_allclose(np.diag(apart), 0, atol=1e-9)


def test_a_font_whose_small_letters_are_capitals_is_refused(sans: faces.Pictures) -> None:
    assert families.objection(face("x"), sans) == ""
    capitals = sans.copy()
    upper, lower = faces.CHARACTERS.index("A"), faces.CHARACTERS.index("a")
    capitals[lower : lower + 26] = sans[upper : upper + 26]
    assert "capitals" in families.objection(face("x"), capitals)
    assert "too small" in families.objection(face("x"), sans * 0)
    assert "script" in families.objection(face("Standard Symbols PS"), sans)


def test_regular_bold_and_italic_are_chosen_and_copies_are_not() -> None:
    all_faces = [
        face("Alpha", weight=300),
        face("Alpha", weight=400),
        face("Alpha", weight=800),
        face("Alpha", weight=400, italic=True),
        face("Beta"),  # the same picture as Alpha regular
        face("Gamma"),
    ]
    distances = np.ones((6, 6)) - np.eye(6)
    distances[1, 4] = distances[4, 1] = 0.001
    assert families.chosen(all_faces, distances) == {"alpha": [1, 2, 3], "gamma": [5]}


def test_kin_is_transitive_and_follows_pictures_or_package_and_first_word() -> None:
    all_faces = [
        face("Lone", package="a"),
        face("One", package="b"),
        face("Two", package="c"),
        face("Three", package="d"),
        face("Noto Sans", package="noto"),
        face("Noto Serif", package="noto"),
        face("Noto Mono", package="elsewhere"),
        face("Companion", package="noto"),
    ]
    distances = np.ones((8, 8)) - np.eye(8)
    for a, b in ((1, 2), (2, 3)):
        distances[a, b] = distances[b, a] = 0.02
    kin = families.kin(all_faces, distances)
    assert kin["one"] == kin["two"] == kin["three"]
    assert kin["noto sans"] == kin["noto serif"] == kin["noto mono"] == kin["companion"]
    assert len(set(kin.values())) == 3


def test_whole_kin_fill_the_splits_to_their_shares_the_same_way_every_time() -> None:
    groups = {f"family {number:03}": number // 2 for number in range(400)}
    groups |= {f"crowd {number:03}": 1000 for number in range(100)}
    split = families.split_by_kin(groups, seed=0)
    assert split == families.split_by_kin(dict(reversed(groups.items())), seed=0)
    assert split != families.split_by_kin(groups, seed=1)
    counts = [list(split.values()).count(name) for name in ("train", "validation", "test")]
    assert counts == [350, 50, 100]
    assert {split[name] for name in groups if name.startswith("crowd")} == {"train"}
    assert all(split[f"family {n:03}"] == split[f"family {n + 1:03}"] for n in range(0, 400, 2))


def test_confusable_characters_of_a_font_are_found(sans: faces.Pictures) -> None:
    pairs = {(one, other) for one, other, _ in families.confusable(sans[None], near=0.1)}
    assert ("A", "B") not in pairs
    assert {("I", "l")} <= pairs


def test_an_index_is_read_and_licences_leave_out_the_packaging() -> None:
    text = (
        "Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/\n\n"
        "Files: *\nCopyright: someone\nLicense: OFL-1.1\n text\n\n"
        "Files: extra/*\nLicense: GPL-3+ with font exception\n\n"
        "Files: debian/*\nLicense: MIT\n\nLicense: MIT\n text\n"
    )
    assert packages.dep5_licences(text) == ["GPL-3+ with font exception", "OFL-1.1"]
    assert packages.dep5_licences("It was downloaded from somewhere.") == []


def test_ridge_and_nearest_picture_separate_what_is_separable() -> None:
    draw = np.random.default_rng(0)
    centres = draw.integers(0, 200, (3, 28, 28))
    labels = np.arange(60, dtype=np.int64) % 3
    images = (centres[labels] + draw.integers(0, 50, (60, 28, 28))).astype(np.uint8)
    weights = sheet.ridge(images[:30], labels[:30])
    assert (sheet.ridge_labels(weights, images[30:]) == labels[30:]).all()
    assert (sheet.nearest_labels(images[:30], labels[:30], images[30:]) == labels[30:]).all()


def test_packed_arrays_hold_every_level_and_label(sans: faces.Pictures) -> None:
    arrays = build_glyphs100.packed_arrays([sans[None], np.stack([sans, sans])], ["train", "test"])
    images = unpack(arrays["packed"])
    assert images.shape == (300, 28, 28)
    assert np.abs(images[:100].astype(int) - sans).max() <= 9  # half a level, rounded up
    assert arrays["labels"].tolist() == [*range(100)] * 3
    assert arrays["family"].tolist() == [0] * 100 + [1] * 200
    assert arrays["family_split"].tolist() == [0, 2]


def test_the_shipped_file_is_verified_and_a_changed_byte_is_noticed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert build_glyphs100.main(["--verify"]) == 0
    assert "everything is as the manifest says" in capsys.readouterr().out
    for file in HOME.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    with np.load(tmp_path / "glyphs100.npz") as stored:
        arrays = dict(stored)
    arrays["packed"][0, 14, 7] ^= 1
    np.savez_compressed(tmp_path / "glyphs100.npz", allow_pickle=False, **arrays)
    assert build_glyphs100.main(["--verify", "--out", str(tmp_path)]) == 1
    assert "array packed" in capsys.readouterr().out
