"""What a data set is to the toolkit: a fact sheet and three splits that yield batches."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from torch import Tensor

from tutelage.data.portions import has_label, hidden
from tutelage.errors import ConfigError
from tutelage.registry import Registry
from tutelage.types import Batch, Task


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
    task: Task = "classes"

    @property
    def num_classes(self) -> int:
        """How many classes there are."""
        return len(self.classes)


class Split(ABC):
    """Pictures with labels, addressed by position; `targets` is ``[N]`` int64 on the CPU.

    A picture of the train split may have no label: its target is `tutelage.types.UNLABELLED`.

    Of the task ``labels`` `targets` is float ``[N, C]``, as `Batch.target`. Of ``pixels`` it is
    ``[N]`` zeros: such labels are read with their pictures.
    """

    name: str
    targets: Tensor

    def __len__(self) -> int:
        return len(self.targets)

    @property
    def labelled(self) -> Tensor:
        """The positions of the pictures that have a label, ascending."""
        return has_label(self.targets).nonzero().flatten()

    @abstractmethod
    def batches(
        self,
        plan: Sequence[Tensor],
        *,
        augment: bool,
        seed: int,
        epoch: int,
        workers: int = 0,
        views: int = 1,
    ) -> Iterator[Batch]:
        """Yield one batch per entry of `plan`, a sequence of index tensors, in that order.

        With several `views` of each picture a batch holds all first ones, by the split's own
        policy, then all second ones, by its stronger policy, and so on.

        What augmentation does to a picture depends on (seed, epoch, index) and the view's number
        alone: not on its batch, on the number of workers, processes or views, nor on the global
        random state, which is left as it was. So any suffix of an epoch can be asked for again, bit
        for bit.

        Raises:
            DataError: a picture cannot be read.
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
    """What a loader is told.

    What is held out is picked class by class by `split_seed` alone: see
    `tutelage.data.portions.stratified`.
    """

    root: Path | None = None  # where the files lie; None asks for the usual places
    validation: float = 0.1  # share of train held out where the set has no validation split
    test: float = 0.1  # share of everything held out where the set has no test split
    split_seed: int = 0
    augment: str = "standard"  # a policy's name, "standard" = this data set's own, or "none"
    strong_augment: str = "strong"  # that of further views; "strong" = `augment` and more
    image_size: int = 0  # of folders; 0 = the data set's own
    channels: int = 0  # 1 or 3 converts; 0 = the data set's own
    limit: int = 0  # pictures kept of each split, class by class, for quick trials; 0 = all
    unlabelled: float = 0.0  # share of the train pictures whose labels are hidden, class by class

    def check(self) -> None:
        """Raise `ConfigError` when a number lies outside its range."""
        for key in ("validation", "test", "unlabelled"):
            share = getattr(self, key)
            if not 0 <= share < 1:
                raise ConfigError(
                    f"data.{key} is a share, at least 0 and below 1; it is {share}. "
                    "Give 0.1 for a tenth."
                )
        if self.channels not in (0, 1, 3):
            raise ConfigError(
                f"data.channels is 1 (grey), 3 (RGB) or 0 (as the files are); it is "
                f"{self.channels}. Give one of the three."
            )
        for key in ("image_size", "limit"):
            if getattr(self, key) < 0:
                raise ConfigError(
                    f"data.{key} is a count, at least 0; it is {getattr(self, key)}. "
                    "Give 0 for the data set's own."
                )


Loader = Callable[[DataOptions], DataSet]


@dataclass(frozen=True, slots=True)
class DataSource:
    """One entry of the registry: what it is in a line, its own augmentation, and how to load it."""

    name: str
    summary: str
    policy: str  # what ``augment="standard"`` stands for: a name `tutelage.data.augment` knows
    loader: Loader
    strong: str = "strong"  # what ``strong_augment="strong"`` stands for: `augment` and more

    def load(self, options: DataOptions) -> DataSet:
        """Load it; the loader sees a policy's name where `options.augment` says ``standard``."""
        options.check()
        if options.augment == "standard":
            options = replace(options, augment=self.policy)
        if options.strong_augment == "strong":
            options = replace(options, strong_augment=self.strong)
        data = self.loader(options)
        if options.unlabelled and data.spec.task != "classes":
            raise ConfigError(
                f"data.unlabelled hides the one class that a picture has, and {data.spec.name} "
                f"is of {data.spec.task}. Leave it out."
            )
        if options.unlabelled:
            data.train.targets = hidden(data.train.targets, options.unlabelled, options.split_seed)
        return data


datasets: Registry[DataSource] = Registry("data set", "tutelage.data")


def data_source(
    name: str, *, summary: str, policy: str, strong: str = "strong"
) -> Callable[[Loader], Loader]:
    """Return a decorator that registers a loader as the data set `name`; see `DataSource`."""

    def register(loader: Loader) -> Loader:
        datasets.add(name, DataSource(name, summary, policy, loader, strong))
        return loader

    return register


def load(name: str, options: DataOptions | None = None) -> DataSet:
    """Load a data set by name.

    Raises:
        ConfigError: no data set has that name, or an option is outside its range.
        DataError: its files are missing or broken.
    """
    return datasets[name].load(options or DataOptions())
