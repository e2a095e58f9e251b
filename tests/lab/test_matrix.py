from dataclasses import replace

import pytest

from tutelage.config import RunConfig, TeacherConfig, override
from tutelage.errors import ConfigError
from tutelage.lab.matrix import make_arms, matrix_fingerprint, run_of, seeds_from, split_arms

COMMON = {"label_smoothing": 0.0, "fidelity": "paper"}  # what every method has


def test_an_arm_of_the_recipes_method_inherits_its_numbers_and_others_do_not(
    config: RunConfig,
) -> None:
    ce, kd, dkd = make_arms(config, ["ce", "kd", "dkd"], control=False)
    assert dkd.method.options["temperature"] == 2.0
    assert dkd.method.options["beta"] == 8.0
    assert kd.method.options["temperature"] == 4.0
    assert ce.method.options == {"ce_weight": 1.0, **COMMON}


def test_the_options_of_an_arm_count_over_those_of_the_recipe(config: RunConfig) -> None:
    (arm,) = make_arms(config, ["dkd:beta=2:temperature=1"], control=False)
    assert arm.label == "dkd beta=2 temperature=1"
    assert arm.method.options["beta"] == 2.0
    assert arm.method.options["temperature"] == 1.0
    assert arm.method.options["warmup_epochs"] == 3.0


def test_dkd_1_8_is_held_against_kd_of_weight_4_5_with_the_same_numbers(config: RunConfig) -> None:
    dkd, control = make_arms(config, ["dkd"])
    assert dkd.matched_kd_weight == 4.5  # the mean of alpha = 1 and beta = 8
    assert dkd.control == control.label == "kd 4.5 (control)"
    assert control.added
    assert control.method.name == "kd"
    assert control.method.options == {
        **COMMON,
        "standardise": False,
        "ce_weight": 1.0,
        "kd_weight": 4.5,
        "temperature": 2.0,
        "warmup_epochs": 3.0,
    }


def test_plain_kd_and_labels_alone_need_no_control(config: RunConfig) -> None:
    assert [arm.label for arm in make_arms(config, ["ce", "kd", "kd:kd_weight=9"])] == [
        "ce",
        "kd",
        "kd kd_weight=9",
    ]
    assert len(make_arms(config, ["lskd"])) == 1  # it is KD, and its own control


def test_an_arm_that_is_the_control_already_serves_as_such(config: RunConfig) -> None:
    mine = "kd:kd_weight=4.5:ce_weight=1:temperature=2:warmup_epochs=3"
    for order in ([mine, "dkd"], ["dkd", mine]):
        arms = {arm.method.name: arm for arm in make_arms(config, order)}
        assert len(arms) == 2
        assert arms["dkd"].control == arms["kd"].label == mine.replace(":", " ")
        assert not arms["kd"].added


def test_two_arms_of_one_weight_share_a_control_and_two_temperatures_do_not(
    config: RunConfig,
) -> None:
    shared = make_arms(config, ["dkd", "dkd:alpha=4:beta=5"])
    assert len(shared) == 3
    assert shared[0].control == shared[1].control == shared[2].label
    apart = make_arms(config, ["dkd", "dkd:temperature=8"])
    assert [arm.label for arm in apart[2:]] == [
        "kd 4.5 (control)",
        "kd 4.5 (control of dkd temperature=8)",
    ]
    assert apart[3].method.options["temperature"] == 8.0


def test_without_control_none_is_added_and_the_arm_knows_what_it_lacks(config: RunConfig) -> None:
    (dkd,) = make_arms(config, ["dkd"], control=False)
    assert (dkd.control, dkd.matched_kd_weight) == ("", 4.5)


def test_a_method_without_any_weight_on_the_teacher_has_no_control(config: RunConfig) -> None:
    (dkd,) = make_arms(config, ["dkd:alpha=0:beta=0"])
    assert dkd.control == ""


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("dkdd", "no method is named 'dkdd'; .* Did you mean 'dkd'"),
        ("kd:kd_wieght=4", "arm kd:kd_wieght=4: kd_wieght: .* Did you mean 'kd_weight'"),
        ("kd:temperatur", "wants key=value, got 'temperatur'; .* Did you mean 'temperature'"),
        ("kd:kd_weight=", "wants key=value, got 'kd_weight='"),
        ("kd:kd_weight=much", "kd_weight: wanted a number, got 'much'"),
        ("kd:temperature=0", "temperature wants a number above 0"),
        ("", "an arm wants a method's name, got ''"),
        (":beta=4", "an arm wants a method's name, got ':beta=4'"),
    ],
)
def test_a_mistake_in_an_arm_is_told_with_what_was_meant(
    config: RunConfig, text: str, message: str
) -> None:
    with pytest.raises(ConfigError, match=message):
        make_arms(config, ["ce", text])


def test_the_same_numbers_twice_are_refused(config: RunConfig) -> None:
    with pytest.raises(ConfigError, match=r"'kd' and 'kd kd_weight=0\.9' come to the same numbers"):
        make_arms(config, ["kd", "kd:kd_weight=0.9"])


def test_no_arm_is_no_comparison(config: RunConfig) -> None:
    with pytest.raises(ConfigError, match="at least one arm"):
        make_arms(config, [])


def test_a_comma_inside_brackets_does_not_part_arms() -> None:
    assert split_arms("ce,far:layers=[1,2]:weight=3, kd") == [
        "ce",
        "far:layers=[1,2]:weight=3",
        "kd",
    ]


def test_seeds_count_from_the_recipes_own(config: RunConfig) -> None:
    assert seeds_from(config, 3) == (5, 6, 7)
    with pytest.raises(ConfigError, match="at least 1, got 0"):
        seeds_from(config, 0)


def test_the_runs_of_a_seed_differ_in_method_and_teacher_alone(config: RunConfig) -> None:
    config = override(config, ["run.name=mine"])
    ce, dkd, _ = make_arms(config, ["ce", "dkd"])
    alone, taught = run_of(config, ce, 7), run_of(config, dkd, 7)
    assert alone.teacher == TeacherConfig()
    assert taught.teacher == config.teacher
    assert replace(alone, method=taught.method, teacher=taught.teacher) == taught
    assert (taught.train.seed, taught.run.name) == (7, "")


def test_the_fingerprint_of_a_matrix_knows_its_runs_and_not_their_order(config: RunConfig) -> None:
    arms = make_arms(config, ["ce", "dkd"])
    runs = [run_of(config, arm, 5) for arm in arms]
    told = matrix_fingerprint(runs, "test")
    assert len(told) == 8
    assert matrix_fingerprint(reversed(runs), "test") == told
    assert matrix_fingerprint(runs[:2], "test") != told
    assert matrix_fingerprint(runs, "validation") != told
