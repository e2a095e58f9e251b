"""The benchmark of methods runs, in small."""

from tests.benchmarks.conftest import Small


def test_it_times_methods_in_pairs_with_kd_and_counts_what_they_train(small: Small) -> None:
    dkd, fitnet = small("methods", "--methods", "dkd,fitnet")
    assert (dkd["method"], dkd["extra_parameters"]) == ("dkd", "0")
    assert fitnet["extra_parameters"] == str(16 * 64 + 64)  # a 1x1 convolution and its bias
    assert all(float(line["ratio"]) > 0 for line in (dkd, fitnet))
