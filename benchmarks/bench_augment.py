"""How fast whole batches are augmented, beside torchvision picture by picture.

    python -m benchmarks augment

From uint8 in memory to normalised float batches, on one thread. Ours is `ArraySplit.batches`, mixed
by `tutelage.data.mixing` where the case says so; torchvision's is what a script has: a `DataLoader`
without workers, `v2.Compose` for each picture, `v2.MixUp` or `v2.CutMix` for the batch. Cutout is
its `RandomErasing` of a square as large. "one draw a batch" is `v2.Compose` called on the whole
batch, which crops and flips all its pictures alike: no augmentation to train with, but what its
functions cost without the loop.
"""

from collections.abc import Callable, Iterable
from statistics import median

import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset
from torchvision.transforms import v2

from benchmarks._harness import Ratio, Report, in_turn, parsed, parser
from tutelage.data import DataSpec
from tutelage.data.arrays import ArraySplit
from tutelage.data.mixing import mixed

CLASSES = 100
MEAN, STD = (0.5071, 0.4867, 0.4408), (0.2675, 0.2565, 0.2761)
WANTED = 20_000  # pictures a second and core, of crop-flip

TO_FLOAT = [v2.ToDtype(torch.float32, scale=True), v2.Normalize(MEAN, STD)]
CROP_FLIP = [v2.RandomCrop(32, padding=4), v2.RandomHorizontalFlip()]
SQUARE = v2.RandomErasing(1.0, scale=(64 / 1024,) * 2, ratio=(1.0, 1.0))
STEPS: dict[str, list[v2.Transform]] = {
    "none": [],
    "flip": CROP_FLIP[1:],
    "crop": CROP_FLIP[:1],
    "crop-flip": CROP_FLIP,
    "crop-flip-cutout8": [*CROP_FLIP, SQUARE],
    "rotate": [v2.RandomRotation(20)],
    "affine": [
        v2.RandomAffine(
            10, (1 / 16, 1 / 16), (0.9, 1.1), 10, interpolation=v2.InterpolationMode.BILINEAR
        )
    ],
    "crop-flip-autoaugment": [*CROP_FLIP, v2.AutoAugment(v2.AutoAugmentPolicy.CIFAR10)],
}
MIXERS = {
    "mixup": (0.2, 0.0, v2.MixUp(alpha=0.2, num_classes=CLASSES)),
    "cutmix": (0.0, 1.0, v2.CutMix(alpha=1.0, num_classes=CLASSES)),
}


class Pictures(Dataset[tuple[Tensor, int]]):
    """What a script has: each picture through its own transform."""

    def __init__(self, images: Tensor, transform: v2.Transform) -> None:
        self.images, self.transform = images, transform

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, place: int) -> tuple[Tensor, int]:
        return self.transform(self.images[place]), place % CLASSES


def ours(images: Tensor, policy: str, batch_size: int, mixer: str) -> Callable[[], None]:
    """Return what augments all pictures once, in another view at each call."""
    classes = tuple(map(str, range(CLASSES)))
    channels, height, width = images.shape[1:]
    spec = DataSpec("made", classes, channels, height, width, MEAN, STD)
    split = ArraySplit("train", images, torch.arange(len(images)) % CLASSES, spec, policy)
    order, calls = torch.randperm(len(images)).split(batch_size), iter(range(1, 1_000_000))
    mixup, cutmix, _ = MIXERS.get(mixer, (0.0, 0.0, None))

    def run() -> None:
        epoch = next(calls)
        for batch in split.batches(order, augment=True, seed=0, epoch=epoch):
            mixed(batch, mixup, cutmix, 0, epoch)

    return run


def torchvisions(images: Tensor, policy: str, batch_size: int, mixer: str) -> Callable[[], None]:
    """Return torchvision's way, picture by picture."""
    pictures = Pictures(images, v2.Compose([*STEPS[policy], *TO_FLOAT]))
    loader: Iterable[list[Tensor]] = DataLoader(pictures, batch_size, shuffle=True)

    def run() -> None:
        for batch in loader:
            if mixer:
                MIXERS[mixer][2](*batch)

    return run


def alike(images: Tensor, policy: str, batch_size: int) -> Callable[[], None]:
    """Return torchvision's functions on whole batches, which all their pictures share."""
    transform = v2.Compose([*STEPS[policy], *TO_FLOAT])
    order = torch.randperm(len(images)).split(batch_size)

    def run() -> None:
        for index in order:
            transform(images[index])

    return run


def main() -> None:
    """Measure, print and write."""
    flags = parser(__doc__, "augment")
    flags.set_defaults(threads=1)
    given = parsed(flags)
    count, sizes = (32, (16,)) if given.small else (512, (64, 256))
    torch.manual_seed(0)
    images = torch.randint(0, 256, (count, 3, 32, 32), dtype=torch.uint8)
    report = Report("times as fast as torchvision", given.out)

    def add(
        case: str, batch_size: int, own: Callable[[], None], theirs: Callable[[], None]
    ) -> None:
        seconds = in_turn(
            {"ours": own, "theirs": theirs},
            rounds=given.rounds,
            turn_seconds=0.0 if given.small else 0.05,
        )
        report.add(
            f"{case}, batch {batch_size}",
            pictures_per_second=round(count / median(seconds["ours"])),
            wanted=WANTED if case == "crop-flip" else "",
            torchvision_pictures_per_second=round(count / median(seconds["theirs"])),
            ratio=Ratio.of(seconds["theirs"], seconds["ours"]),
        )

    cases = [(policy, "") for policy in STEPS] + [("crop-flip", mixer) for mixer in MIXERS]
    for batch_size in sizes:
        for policy, mixer in cases:
            add(
                f"{policy} and {mixer}" if mixer else policy,
                batch_size,
                ours(images, policy, batch_size, mixer),
                torchvisions(images, policy, batch_size, mixer),
            )
        add(
            "crop-flip, one draw a batch",
            batch_size,
            ours(images, "crop-flip", batch_size, ""),
            alike(images, "crop-flip", batch_size),
        )
    report.finish()


if __name__ == "__main__":
    main()
