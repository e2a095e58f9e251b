import pytest

from tutelage.data import DataOptions, datasets, load
from tutelage.errors import ConfigError


def test_every_data_set_says_in_one_line_what_it_is() -> None:
    assert {"cifar10", "cifar100", "fashion-mnist", "folder", "imagenet", "npz"} <= set(datasets)
    for name in datasets:
        source = datasets[name]
        assert source.name == name
        assert source.policy
        assert source.summary
        assert "\n" not in source.summary


@pytest.mark.parametrize(
    ("options", "word"),
    [
        (DataOptions(validation=1.0), r"data\.validation is a share"),
        (DataOptions(validation=-0.1), r"data\.validation is a share"),
        (DataOptions(test=float("nan")), r"data\.test is a share"),
        (DataOptions(channels=2), r"data\.channels is 1 \(grey\), 3 \(RGB\) or 0"),
        (DataOptions(image_size=-1), r"data\.image_size is a count"),
        (DataOptions(limit=-5), r"data\.limit is a count"),
    ],
)
def test_options_outside_their_range_are_refused_before_any_file_is_sought(
    options: DataOptions, word: str
) -> None:
    with pytest.raises(ConfigError, match=word):
        load("cifar100", options)


def test_an_unknown_data_set_is_answered_with_the_nearest() -> None:
    with pytest.raises(ConfigError, match="Did you mean 'cifar100'"):
        load("cifar1000")
