"""The benchmark of caches runs, in small, and finds what each form promises."""

from tests.benchmarks.conftest import Small


def test_it_tells_of_each_form_its_size_and_how_far_off_the_gradient_is(small: Small) -> None:
    lines = {line["form"]: line for line in small("cache")}
    assert {name: lines[name]["bytes"] for name in ("fp32", "fp16", "int8", "draws4")} == {
        "fp32": "80",  # of 20 classes
        "fp16": "40",
        "int8": "28",
        "draws4": "12",
    }
    angles = {name: float(line["angle_logits"] or 0) for name, line in lines.items()}
    assert angles["fp32"] == 0 < angles["int8"] < 5
    assert angles["top16"] < angles["top4"] < angles["draws4"] < 120
    for form in ("top4", "top16", "draws4", "draws16"):
        assert float(lines[form]["tckd_off"]) < 1e-4
    assert all(float(lines[name]["ratio"]) > 0 for name in ("fp32", "fp32, 2 teachers"))
