"""Data sets by name: pictures, labels and reproducible augmentation."""

from tutelage.data._data import DataOptions, DataSet, DataSpec, Split, datasets, load

__all__ = ["DataOptions", "DataSet", "DataSpec", "Split", "datasets", "load"]
