"""Data sets by name: pictures, labels and reproducible augmentation."""

from tutelage.data._data import (
    DataOptions,
    DataSet,
    DataSource,
    DataSpec,
    Split,
    data_source,
    datasets,
    load,
)
from tutelage.data._random import uniforms

__all__ = [
    "DataOptions",
    "DataSet",
    "DataSource",
    "DataSpec",
    "Split",
    "data_source",
    "datasets",
    "load",
    "uniforms",
]
