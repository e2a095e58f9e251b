import json
import time
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest
import torch

from tutelage.data import DataOptions, DataSet, load
from tutelage.data.glyphs import HOME, SPLITS, glyphs100, manifest, unpack
from tutelage.errors import ConfigError, DataError

# Families that type history says are one design, whatever their files are called.
SAME_DESIGN = [
    ("Liberation Sans", "Arimo", "Nimbus Sans", "TeX Gyre Heros", "FreeSans"),
    ("Liberation Serif", "Tinos", "Nimbus Roman", "TeX Gyre Termes", "FreeSerif"),
    ("Nimbus Mono PS", "TeX Gyre Cursor", "FreeMono"),
    ("DejaVu Sans", "Veranda", "Waree"),
    ("DejaVu Sans Mono", "Hack"),
    ("CMU Serif", "Latin Modern Roman"),
    ("CMU Sans Serif", "Latin Modern Sans"),
    ("P052", "TeX Gyre Pagella"),
    ("C059", "TeX Gyre Schola"),
    ("URW Bookman", "TeX Gyre Bonum"),
    ("URW Gothic", "TeX Gyre Adventor"),
    ("Lato", "Carlito"),
    ("Cabin Sketch", "CabinSketch"),
]


@pytest.fixture(scope="module")
def data() -> DataSet:
    return load("glyphs100", DataOptions(augment="none"))


@pytest.fixture(scope="module")
def packed() -> dict[str, np.ndarray]:
    with np.load(HOME / "glyphs100.npz") as arrays:
        return dict(arrays)


def test_the_hundred_classes_are_ascii_33_to_126_and_six_latin_signs(data: DataSet) -> None:
    assert "".join(data.spec.classes) == bytes(range(33, 127)).decode("ascii") + "£§©±¿é"
    assert (data.spec.channels, data.spec.height, data.spec.width) == (1, 28, 28)


def test_the_file_is_small_enough_for_a_wheel_and_large_enough_for_a_study(data: DataSet) -> None:
    assert (HOME / "glyphs100.npz").stat().st_size < 7_000_000
    assert data.validation is not None
    assert len(data.train) + len(data.validation) + len(data.test) > 60_000
    assert len(manifest()["families"]) > 350


def test_every_class_is_as_frequent_as_every_other_in_every_split(data: DataSet) -> None:
    for split in (data.train, data.validation, data.test):
        assert split is not None
        counts = torch.bincount(split.targets, minlength=100)
        assert counts.min() == counts.max() > 20


def test_shares_of_the_families_are_near_seven_one_and_two_tenths() -> None:
    counts = np.array([manifest()["splits"][name]["families"] for name in SPLITS])
    np.testing.assert_allclose(counts / counts.sum(), [0.7, 0.1, 0.2], atol=0.03)


def test_the_hashes_of_the_manifest_hold(packed: dict[str, np.ndarray]) -> None:
    facts = manifest()
    file = HOME / facts["file"]["name"]
    assert sha256(file.read_bytes()).hexdigest() == facts["file"]["sha256"]
    assert set(facts["arrays"]) == set(packed)
    for name, array in packed.items():
        described = facts["arrays"][name]
        assert (list(array.shape), str(array.dtype)) == (described["shape"], described["dtype"])
        assert sha256(array.tobytes()).hexdigest() == described["sha256"]
    assert sha256(unpack(packed["packed"]).tobytes()).hexdigest() == facts["images"]["sha256"]


def test_no_family_and_no_kin_of_it_is_in_two_splits(packed: dict[str, np.ndarray]) -> None:
    families = manifest()["families"]
    names = [family["name"].casefold() for family in families]
    assert len(set(names)) == len(names)
    splits: dict[int, set[str]] = {}
    for number, family in enumerate(families):
        splits.setdefault(family["kin"], set()).add(family["split"])
        assert SPLITS[packed["family_split"][number]] == family["split"]
    assert all(len(found) == 1 for found in splits.values())
    split_of_picture = packed["family_split"][packed["family"]]
    counts = [manifest()["splits"][name]["pictures"] for name in SPLITS]
    assert split_of_picture.tolist() == np.repeat([0, 1, 2], counts).tolist()


@pytest.mark.parametrize("names", SAME_DESIGN, ids=lambda names: names[0])
def test_one_design_under_several_names_lies_in_one_split(names: tuple[str, ...]) -> None:
    facts = manifest()
    known = {family["name"]: family["split"] for family in facts["families"]}
    copies = set(facts["copied_families"])
    assert all(name in known or name.casefold() in copies for name in names)
    assert len({known[name] for name in names if name in known}) == 1


def test_no_face_of_the_test_split_has_a_near_copy_in_training(data: DataSet) -> None:
    # Letters at quarter resolution: an independent, coarser look than the build's own.
    letters = [number for number, name in enumerate(data.spec.classes) if name.isalpha()]

    def faces(split: object) -> np.ndarray:
        images = split.images(torch.arange(len(split)))  # type: ignore[attr-defined, arg-type]
        grey = images.reshape(-1, 100, 28, 28)[:, letters].numpy().astype(np.float32)
        small: np.ndarray = grey.reshape(len(grey), len(letters), 7, 4, 7, 4).mean((3, 5))
        return small.reshape(len(grey), -1)

    train, test = faces(data.train), faces(data.test)
    apart = (test**2).sum(1)[:, None] + (train**2).sum(1) - 2 * test @ train.T
    scale = (test**2).sum(1)[:, None] + (train**2).sum(1)
    assert (apart / scale).min() > 0.01


def test_a_family_gives_at_most_three_fonts_of_a_hundred_pictures(
    packed: dict[str, np.ndarray],
) -> None:
    pictures = np.bincount(packed["family"])
    assert [len(family["faces"]) * 100 for family in manifest()["families"]] == pictures.tolist()
    assert set(pictures.tolist()) == {100, 200, 300}


def test_mean_and_deviation_are_those_of_the_training_pictures(data: DataSet) -> None:
    images = data.train.images(torch.arange(len(data.train))).double() / 255  # type: ignore[attr-defined]
    assert images.mean().item() == pytest.approx(data.spec.mean[0], abs=1e-6)
    assert images.std(correction=0).item() == pytest.approx(data.spec.std[0], abs=1e-6)


def test_the_baseline_is_kept_so_that_place_and_size_tell_signs_apart(data: DataSet) -> None:
    # In print a comma sits low and an apostrophe high, an o is smaller than an O, _ is below -.
    images = data.train.images(torch.arange(len(data.train)))  # type: ignore[attr-defined]
    faces = images.reshape(-1, 100, 28, 28).float()
    rows = torch.arange(28.0)

    def centre(character: str) -> torch.Tensor:
        ink: torch.Tensor = faces[:, data.spec.classes.index(character)].sum(2)
        return (ink * rows).sum(1) / ink.sum(1)

    def height(character: str) -> torch.Tensor:
        pictures: torch.Tensor = faces[:, data.spec.classes.index(character)]
        return (pictures.amax(2) > 60).sum(1)

    for low, high in ((",", "'"), (".", "'"), ("_", "-"), (",", "`"), ("p", "b")):
        assert (centre(low) > centre(high)).float().mean() > 0.97, (low, high)
    for small, large in (("o", "O"), ("c", "C"), ("x", "X"), ("s", "S")):
        assert (height(small) < height(large)).float().mean() > 0.97, (small, large)


def test_no_picture_is_blank_and_none_touches_the_margin_by_more_than_rounding(
    data: DataSet,
) -> None:
    for split in (data.train, data.validation, data.test):
        images = split.images(torch.arange(len(split)))[:, 0]  # type: ignore[union-attr, arg-type]
        assert (images.amax((1, 2)) > 0).all()
        frame = torch.cat([images[:, 0], images[:, -1], images[:, :, 0], images[:, :, -1]], 1)
        assert frame.max() == 0


def test_loading_takes_less_than_a_second() -> None:
    load("glyphs100")
    start = time.process_time()
    load("glyphs100")
    assert time.process_time() - start < 1.0  # 0.2 s is usual on one core


def test_three_channels_are_the_grey_one_thrice() -> None:
    data = load("glyphs100", DataOptions(channels=3, augment="none", limit=200))
    (batch,) = data.train.batches([torch.arange(4)], augment=False, seed=0, epoch=1)
    assert batch.images.shape == (4, 3, 28, 28)
    assert torch.equal(batch.images[:, 0], batch.images[:, 2])


@pytest.mark.parametrize(
    "options",
    [DataOptions(validation=0.2), DataOptions(test=0.3), DataOptions(root=Path("elsewhere"))],
)
def test_other_splits_or_another_place_are_refused(options: DataOptions) -> None:
    with pytest.raises(ConfigError, match="Leave"):
        load("glyphs100", options)


def test_a_file_that_does_not_fit_its_manifest_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, packed: dict[str, np.ndarray]
) -> None:
    short = {name: array[:-100] for name, array in packed.items()}
    np.savez(tmp_path / "glyphs100.npz", **short)  # type: ignore[arg-type]
    monkeypatch.setattr("tutelage.data.glyphs.HOME", tmp_path)
    with pytest.raises(DataError, match="must hold"):
        glyphs100(DataOptions(augment="none"))
    (tmp_path / "glyphs100.npz").write_bytes(b"PK\x03\x04")
    with pytest.raises(DataError, match="cannot be read"):
        glyphs100(DataOptions(augment="none"))


def test_unpacking_is_the_inverse_of_packing_every_pair_of_levels() -> None:
    left, right = np.meshgrid(np.arange(16, dtype=np.uint8), np.arange(16, dtype=np.uint8))
    pixels = unpack((left << 4 | right).astype(np.uint8)[..., None])
    assert np.array_equal(pixels[..., 0], left * 17)
    assert np.array_equal(pixels[..., 1], right * 17)


def test_the_data_sheet_states_the_numbers_of_the_manifest() -> None:
    sheet = Path(__file__).parents[2] / "docs/data/glyphs100.md"
    text = sheet.read_text(encoding="utf-8")
    facts = json.loads((HOME / "manifest.json").read_text(encoding="utf-8"))
    assert facts["file"]["sha256"] in text
    for package in facts["packages"]:
        assert f"| {package['name']} | {package['version']} |" in text
