"""ImageNet (ILSVRC 2012) and Tiny-ImageNet, as folders of class folders."""

from pathlib import Path

from tutelage.data._data import DataOptions, DataSet, data_source
from tutelage.data._files import places
from tutelage.data.folder import folder_data_set
from tutelage.errors import DataError


@data_source(
    "imagenet",
    summary="ImageNet: 1,281,167 pictures, 1000 classes; a folder with train/ and val/",
    policy="resized-crop-flip",
    strong="resized-crop-flip-autoaugment",
)
def imagenet(options: DataOptions) -> DataSet:
    """Load ImageNet from `options.root`, or from ``imagenet`` in one of the usual places.

    ``train`` and ``val`` hold one folder per class. ``val`` is the test split, as in every
    published table; validation is the share `options.validation` of train. ``test``, which has no
    labels, is not read.

    Raises:
        DataError: the folder is missing or laid out otherwise.
    """
    root = _root("imagenet", options.root)
    return folder_data_set("imagenet", root, _folders(root), options)


@data_source(
    "tiny-imagenet",
    summary="Tiny-ImageNet: 110,000 pictures of 64x64, 200 classes; a folder with train/ and val/",
    policy="rotate-flip",
)
def tiny_imagenet(options: DataOptions) -> DataSet:
    """Load Tiny-ImageNet from `options.root`, or from ``tiny-imagenet-200`` in the usual places.

    ``train`` and ``val`` hold one folder per class: the download's flat ``val`` must be sorted by
    its ``val_annotations.txt``. ``val`` is the test split, validation a share of train. Pictures to
    test keep their pixels.

    Raises:
        DataError: the folder is missing or laid out otherwise.
    """
    root = _root("tiny-imagenet-200", options.root)
    return folder_data_set(
        "tiny-imagenet",
        root,
        _folders(root),
        options,
        image_size=64,
        mean=(0.4802, 0.4481, 0.3975),
        std=(0.2302, 0.2265, 0.2262),
        margin=1.0,
    )


def _root(name: str, root: Path | None) -> Path:
    if root is not None:
        return root.expanduser()
    searched = [place / name for place in places(None)]
    for place in searched:
        if place.is_dir():
            return place
    raise DataError(
        f"a folder with train/ and val/ is wanted at one of {', '.join(map(str, searched))}; there "
        f"is none. Download it from its owners and name it with data.root."
    )


def _folders(root: Path) -> dict[str, Path]:
    return {"train": root / "train", "test": root / "val"}
