"""What a data set is to the toolkit: a fact sheet and three splits that yield batches."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from torch import Tensor

from tutelage.registry import Registry
from tutelage.types import Batch


@dataclass(frozen=True, slots=True)
class DataSpec:
    """The facts of a data set: its classes, and the pictures as networks will see them."""

    name: str
    classes: tuple[str, ...]
    channels: int
    height: int
    width: int
    mean: tuple[float, ...]  # per channel, of pictures in 0..1
    std: tuple[float, ...]

    @property
    def num_classes(self) -> int:
        """How many classes there are."""
        return len(self.classes)


class Split(ABC):
    """Pictures with labels, addressed by position; `targets` is ``[N]`` int64 on the CPU."""

    name: str
    targets: Tensor

    def __len__(self) -> int:
        return len(self.targets)

    @abstractmethod
    def batches(
        self, plan: Sequence[Tensor], *, augment: bool, seed: int, epoch: int, workers: int = 0
    ) -> Iterator[Batch]:
        """Yield one batch per entry of `plan`, a sequence of index tensors, in that order.

        What augmentation does to a picture depends on (seed, epoch, index) alone: not on its
        batch, on the number of workers or processes, nor on the global random state, which is
        left as it was. So any suffix of an epoch can be asked for again, bit for bit.
        """

    @abstractmethod
    def fingerprint(self) -> str:
        """Return the SHA-256 of the content, in hexadecimal."""


@dataclass(frozen=True, slots=True)
class DataSet:
    """A fact sheet and its splits. A missing validation split is None; nothing stands in for it."""

    spec: DataSpec
    train: Split
    validation: Split | None
    test: Split


@dataclass(frozen=True, slots=True)
class DataOptions:
    """What a loader is told."""

    root: Path | None = None  # where the files lie; None asks for the usual places
    validation: float = 0.1  # share of train held out where the set has no validation split
    split_seed: int = 0
    augment: str = "standard"  # a policy's name, "standard" = this data set's own, or "none"
    image_size: int = 0  # of folders; 0 = the data set's own
    channels: int = 0  # 1 or 3 converts; 0 = the data set's own


Loader = Callable[[DataOptions], DataSet]

datasets: Registry[Loader] = Registry("data set", "tutelage.data")


def load(name: str, options: DataOptions | None = None) -> DataSet:
    """Load a data set by name.

    Raises:
        ConfigError: no data set has that name.
        DataError: its files are missing or broken.
    """
    return datasets[name](options or DataOptions())
