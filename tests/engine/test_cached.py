"""Answers read from a cache teach what the teacher itself would have taught, bit for bit."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from tutelage.config import RunConfig, dumps, override
from tutelage.engine import Reporter, run
from tutelage.engine.asking import key_of
from tutelage.engine.build import build
from tutelage.engine.profile import profile
from tutelage.engine.run import make_fabric, prepare
from tutelage.engine.teach import teach
from tutelage.errors import ConfigError, TeacherError
from tutelage.lab import compare
from tutelage.record import STUDENT, STUDENT_BEST, Run, read_run
from tutelage.teachers import Cache
from tutelage.teachers import Key as Whole
from tutelage.types import Batch


class Notes(Reporter):
    """Keeps what it hears, and counts the pictures that the teacher is asked about."""

    def __init__(self, limit: float = float("inf")) -> None:
        self.told, self.pictures, self.limit = "", 0, limit

    def note(self, text: str) -> None:
        self.told += f"{text}\n"

    def asked(self, pictures: int) -> None:
        self.pictures += pictures
        if self.pictures > self.limit:
            raise KeyboardInterrupt


@pytest.fixture
def taught(config: RunConfig) -> RunConfig:
    """A run by DKD under a teacher that is there, over two views."""
    teacher = run(config)
    options = ["method.name=dkd", "method.warmup_epochs=0", "train.epochs=3", "data.views=2"]
    source = ["teacher.name=glyph_student", f"teacher.weights={teacher.path}"]
    return override(config, [*options, *source])


def cached(config: RunConfig, form: str = "fp32", *more: str) -> RunConfig:
    return override(config, ["teacher.cache=auto", f"teacher.form={form}", *more])


def named(config: RunConfig, name: str) -> RunConfig:
    return replace(config, run=replace(config.run, name=name))


def weights(done: Run) -> list[bytes]:
    return [(done.path / file).read_bytes() for file in (STUDENT, STUDENT_BEST)]


def folders(config: RunConfig) -> list[Path]:
    return sorted((Path(config.run.dir) / "teachers").iterdir())


@pytest.mark.parametrize(
    "options",
    [
        [],
        ["train.precision=bf16-mixed", "train.channels_last=false"],
        ["train.accumulate=3", "train.batch_size=10"],
        ["data.unlabelled=0.5", "teacher.confidence=0.25"],
        ["method.name=dkd+dist", "train.seed=5", "train.batch_size=7"],
    ],
    ids=["plain", "bf16", "small parts", "unlabelled", "sum"],
)
def test_a_run_on_answers_in_fp32_is_the_run_under_the_teacher(
    taught: RunConfig, options: list[str]
) -> None:
    config = override(taught, options)
    online, read = run(named(config, "online")), run(named(cached(config), "read"))
    assert weights(read) == weights(online)
    assert [replace(e, seconds=0) for e in read.evaluations] == [
        replace(e, seconds=0) for e in online.evaluations
    ]
    assert online.result
    assert read.result
    assert read.result.config_fingerprint == online.result.config_fingerprint
    assert read.result.teacher_sha256 == online.result.teacher_sha256
    assert online.result.teacher_seconds_saved is None
    assert read.result.teacher_seconds_saved


def test_runs_of_all_seeds_and_methods_share_one_cache_and_ask_nothing(taught: RunConfig) -> None:
    config = cached(taught)
    first, second = Notes(), Notes()
    run(config, reporter=first)
    assert first.pictures == 2 * 240
    for options in (["train.seed=1"], ["method.name=kd", "method.temperature=2"]):
        run(override(config, options), reporter=second)
    assert second.pictures == 0
    assert len(folders(config)) == 1


def test_the_teacher_runs_no_more(taught: RunConfig, monkeypatch: pytest.MonkeyPatch) -> None:
    config = cached(taught)
    teach(config)

    def refuse(*_: object) -> None:
        raise AssertionError("the teacher was run")

    monkeypatch.setattr("tutelage.engine.teacher.Teacher.ask", refuse)
    done = run(config)
    first, *_, last = done.evaluations
    assert (first.network, first.split) == ("teacher", "validation")
    assert (last.network, last.split) == ("teacher", "test")


@pytest.mark.parametrize(
    ("form", "off"), [("fp16", 1e-2), ("int8", 5e-2), ("top2", 1e-5), ("draws4", 1e-5)]
)
def test_a_run_learns_from_any_form(taught: RunConfig, form: str, off: float) -> None:
    config = override(taught, ["train.record_every=1"])
    exact, done = run(config), run(cached(config, form))
    assert done.result
    assert exact.result
    assert done.result.config_fingerprint != exact.result.config_fingerprint
    assert done.config.teacher.form == form
    assert done.rows[0].terms["tckd"] == pytest.approx(exact.rows[0].terms["tckd"], rel=off)
    assert done.rows[0].teacher_target_probability is not None


@pytest.mark.parametrize("form", ["int8", "top2", "draws4"])
def test_a_form_is_made_of_answers_in_fp32_where_they_are(
    taught: RunConfig, monkeypatch: pytest.MonkeyPatch, form: str
) -> None:
    asked = teach(cached(taught, form, f"teacher.cache={taught.run.dir}/asked"))
    exact = teach(cached(taught))
    monkeypatch.setattr("tutelage.engine.teacher.Teacher.ask", None)
    read = teach(cached(taught, form))
    for place, shard in asked.shards.items():
        assert read.shards[place].sha256 == shard.sha256
    assert replace(read.header.test, seconds=0) == replace(asked.header.test, seconds=0)
    assert read.picture_seconds == pytest.approx(exact.picture_seconds)


def test_asking_that_was_interrupted_goes_on_where_it_stopped(
    taught: RunConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "tutelage.engine.asking.Key", lambda **given: Whole(**(given | {"shard": 50}))
    )
    whole = teach(override(cached(taught), [f"teacher.cache={taught.run.dir}/whole"]))
    with pytest.raises(KeyboardInterrupt):
        teach(cached(taught), reporter=Notes(limit=300))
    (begun,) = folders(taught)
    assert 0 < len(Cache(begun).missing) < 10
    rest = Notes()
    cache = teach(cached(taught), reporter=rest)
    assert 0 < rest.pictures < 480
    assert [(cache.path / shard.file).read_bytes() for shard in cache.shards.values()] == [
        (whole.path / shard.file).read_bytes() for shard in whole.shards.values()
    ]


def test_views_that_are_left_to_the_cache_are_those_of_the_fullest_that_fits(
    taught: RunConfig,
) -> None:
    for options in ("data.views=2", "data.views=3", "data.views=1"):
        teach(override(cached(taught), [options]))
    for others in ("data.views=5", "data.augment=flip"):  # of another teacher, and other views
        teach(override(cached(taught), ["data.views=4", others]))
    begun = cached(override(taught, ["data.views=4"]))
    with pytest.raises(KeyboardInterrupt):
        teach(begun, reporter=Notes(limit=10))
    open_views = override(cached(taught), ["data.views=0", "data.augment=standard"])
    with pytest.raises(TeacherError, match="no whole cache"):
        run(open_views)
    done = run(override(open_views, ["data.augment=affine"]))
    assert done.config.data.views == 5
    fitting = run(override(open_views, ["data.augment=flip"]))
    assert fitting.config.data.views == 4


def test_a_run_that_leaves_its_views_to_no_cache_is_told_the_command(taught: RunConfig) -> None:
    with pytest.raises(TeacherError, match=r"`tutelage teach RECIPE --views 4 --form top2`"):
        run(cached(taught, "top2", "data.views=0"))


def test_a_cache_in_a_place_of_ones_own_is_made_used_and_refused_when_it_is_stale(
    taught: RunConfig, tmp_path: Path
) -> None:
    place = tmp_path / "mine"
    config = override(taught, [f"teacher.cache={place}"])
    run(config)
    assert run(override(config, ["data.views=0", "train.seed=3"])).config.data.views == 2
    for option, told in (
        ("data.views=3", "views is 2 there and 3 here"),
        ("data.augment=flip", "augment is 'affine' there and 'flip' here"),
        ("data.split_seed=1", "split_seed is 0 there and 1 here"),
        ("train.precision=bf16-mixed", "precision is '32-true' there and 'bf16-mixed' here"),
        ("teacher.form=int8", "form is 'fp32' there and 'int8' here"),
        ("teacher.mean=[0.3]", "teacher_sees is"),
    ):
        with pytest.raises(TeacherError, match="is stale") as refusal:
            run(override(config, [option, "train.epochs=4"]))
        assert told in str(refusal.value)


def test_where_no_cache_fits_the_nearest_is_told_by_what_differs(taught: RunConfig) -> None:
    teach(cached(taught))
    teach(cached(taught, "fp32", "data.augment=flip", "data.split_seed=4"))
    notes = Notes()
    teach(cached(taught, "fp32", "data.augment=none"), reporter=notes)
    assert "fits; of the nearest augment is 'affine' there and 'none' here." in notes.told


def test_a_form_for_one_temperature_has_a_cache_for_each(taught: RunConfig) -> None:
    for temperature in (2, 4):
        for form in ("top2", "int8"):
            run(cached(taught, form, f"method.temperature={temperature}"))
    assert len(folders(taught)) == 3


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["method.name=reviewkd"], "looks into its network: .* that fits: abkd, .*dkd"),
        (["method.name=mlkd"], "sees several views"),
        (["data.mixup=0.2"], "data.mixup and data.cutmix mix others"),
        (["train.precision=64-true"], "32 bits at most"),
        (["teacher.form=draws4", "method.name=dist"], "-inf, .* that fits: dkd, .*kd"),
        (["teacher.form=draws4", "method.standardise=true"], "cannot take standardised"),
        (["teacher.form=draws4", "method.name=dkd+kd", "method.kd={standardise=true}"], "-inf"),
        (["teacher.form=topp"], "fp32, fp16, int8, top<k> and draws<k>"),
        (["teacher.form=top2", "data.unlabelled=0.5"], "some without"),
        (["teacher.form=top4"], "top4 wants a count of 1 to 3"),
        (["teacher.form=top2", "teacher.cache="], "without one"),
    ],
)
def test_what_answers_on_disk_cannot_serve_is_refused(
    taught: RunConfig, options: list[str], told: str
) -> None:
    with pytest.raises(ConfigError, match=told):
        run(override(cached(taught), options))


def test_no_cache_is_made_of_a_teacher_that_knows_nothing(taught: RunConfig) -> None:
    blank = override(taught, ["teacher.weights=", "teacher.name=glyph_teacher"])
    with pytest.raises(TeacherError, match="better than chance"):
        teach(blank)
    assert not (Path(taught.run.dir) / "teachers").exists()


def test_teaching_wants_views_and_a_method_that_asks(taught: RunConfig) -> None:
    with pytest.raises(ConfigError, match="say how many, by --views 4"):
        teach(override(taught, ["data.views=0"]))
    with pytest.raises(ConfigError, match="method ce asks no teacher"):
        teach(override(taught, ["method.name=ce"]))


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("precision", ["32-true", "bf16-mixed"])
@pytest.mark.parametrize("layout", ["true", "false"])
def test_an_answer_depends_on_its_picture_alone(
    taught: RunConfig, threads: int, precision: str, layout: str
) -> None:
    options = [f"train.precision={precision}", f"train.channels_last={layout}"]
    built = build(prepare(override(taught, options)), make_fabric(override(taught, options)))
    teacher, fabric = built.room.teacher, built.room.fabric
    assert teacher
    (batch,) = built.data.train.batches([torch.arange(64)], augment=True, seed=0, epoch=1)
    memory = torch.channels_last if layout == "true" else torch.contiguous_format

    def ask(places: torch.Tensor) -> torch.Tensor:
        images = batch.images[places].contiguous(memory_format=memory)
        with fabric.autocast():
            return teacher.ask(Batch(images, batch.target[places], places)).logits

    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        whole, order = ask(torch.arange(64)), torch.randperm(64)
        for size in (1, 2, 3, 5, 16, 17, 36, 64):
            for places in order.split(size):
                assert torch.equal(ask(places), whole[places])
    finally:
        torch.set_num_threads(before)


def test_every_field_of_the_key_has_a_say(taught: RunConfig) -> None:
    def key(*options: str) -> str:
        config = prepare(override(cached(taught), [*options]))
        return key_of(build(config, make_fabric(config))).name

    names = [
        key(),
        key("data.validation=0.1"),
        key("data.split_seed=1", "data.limit=60"),
        key("teacher.compile=true"),
        key("train.channels_last=false"),
        key("teacher.form=top2"),
        key("teacher.form=top2", "method.temperature=3"),
        key(f'teacher.others=["{taught.teacher.weights}"]'),
        key(f'teacher.others=["{taught.teacher.weights}"]', "teacher.combine=logits"),
    ]
    assert len({*names}) == len(names)
    assert key("train.seed=9", "method.temperature=3", "train.epochs=7") == names[0]


def test_two_processes_make_one_cache_and_learn_from_it(taught: RunConfig, tmp_path: Path) -> None:
    config = override(named(taught, "online"), ["fabric.devices=2", "train.batch_size=60"])
    for one in (config, named(cached(config), "read")):
        recipe = tmp_path / "two.toml"
        recipe.write_text(dumps(one), encoding="utf-8")
        command = [sys.executable, "-m", "tutelage", "distill", str(recipe), "-q"]
        subprocess.run(command, check=True, timeout=300)
    online, read = (read_run(Path(taught.run.dir) / name) for name in ("online", "read"))
    assert weights(read) == weights(online)
    assert len(folders(taught)) == 1


def test_all_arms_and_seeds_of_a_comparison_share_one_cache(taught: RunConfig) -> None:
    config = cached(taught, "fp32", "data.views=0", "fabric.threads=1")
    teach(override(config, ["data.views=2"]))
    notes = Notes()
    comparison = compare(config, ["ce", "kd:temperature=2", "dkd"], 2, reporter=notes)
    assert not comparison.failures
    assert notes.pictures == 0
    assert len(folders(taught)) == 1
    for (arm, _), done in comparison.runs.items():
        assert done.config.data.views == 2
        assert done.result
        assert (done.result.teacher_seconds_saved is None) == (arm == "ce")


def test_an_arm_that_cannot_use_the_cache_says_so_before_anything_is_trained(
    taught: RunConfig,
) -> None:
    before = sorted(Path(taught.run.dir).iterdir())
    with pytest.raises(ConfigError, match="method crd looks into its network"):
        compare(cached(taught), ["dkd", "crd"], 2)
    assert sorted(Path(taught.run.dir).iterdir()) == before


def test_a_profile_reads_the_cache_that_is_there_and_makes_none(taught: RunConfig) -> None:
    config = cached(taught)
    asking = profile(config, steps=2)
    assert any("not there yet" in note for note in asking.notes)
    with pytest.raises(FileNotFoundError):
        folders(config)
    teach(config, reporter=Notes())
    reading = profile(config, steps=2)
    assert f"read from {folders(config)[0]}" in reading.notes[0]
    assert reading.pace.gigaflops < asking.pace.gigaflops
    assert not [hint for hint in reading.hints if "cache" in hint.change]
