"""The benchmark of augmentation runs, in small."""

from tests.benchmarks.conftest import Small
from tutelage.data.augment import STEPS


def test_it_tells_pictures_per_second_of_every_step_that_arrays_know(small: Small) -> None:
    lines = small("augment")
    parts = {part for line in lines for part in line["case"].partition(",")[0].split("-")}
    assert parts >= set(STEPS) - {"cutout16"}
    told = ("pictures_per_second", "torchvision_pictures_per_second", "ratio")
    for line in lines:
        assert min(float(line[name]) for name in told) > 0
        assert line["threads"] == "1"
