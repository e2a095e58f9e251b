import math
import re
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from scipy.special import softmax
from torch import Tensor, nn

from tutelage import models
from tutelage.config import RunConfig, loads, override
from tutelage.data import DataOptions, DataSet, DataSource, DataSpec, Split, datasets
from tutelage.data.arrays import array_data_set
from tutelage.data.npz import npz
from tutelage.engine import loop, run
from tutelage.engine.doctor import Finding, examine, networks, reordered
from tutelage.engine.doctor.chart import Chart
from tutelage.record import STUDENT, Run
from tutelage.types import Batch

CLASSES = 5
TEACHER = """
[data]
name = "npz"
root = {root!r}
validation = 0.2
augment = "none"
[student]
name = "glyph_student_wide"
[method]
name = "ce"
[optimizer]
lr = 0.1
[schedule]
name = "cosine"
[train]
epochs = 8
batch_size = 20
[run]
dir = {runs!r}
"""


def write_npz(path: Path, *, classes: int = CLASSES, order: Sequence[int] = ()) -> str:
    """Noisy 12x12 patterns, 300 to train and 100 to test; `order` renumbers the classes."""
    generator = np.random.default_rng(0)
    patterns = generator.integers(0, 200, (CLASSES, 12, 12))[:classes]
    arrays = {}
    for part, count in (("train", 300), ("test", 100)):
        labels = np.arange(count) % classes
        noise = generator.integers(-40, 55, (count, 12, 12))
        arrays[f"x_{part}"] = np.clip(patterns[labels] + noise, 0, 255).astype(np.uint8)
        arrays[f"y_{part}"] = np.array(order or range(classes))[labels]
    np.savez(path, **arrays)
    return str(path)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("doctor")


@pytest.fixture(scope="module")
def teacher(folder: Path) -> Run:
    """A teacher that has learnt the patterns."""
    root = write_npz(folder / "patterns.npz")
    done = run(loads(TEACHER.format(root=root, runs=str(folder / "runs"))))
    assert done.result is not None
    assert done.result.last_test is not None
    assert done.result.last_test.top1 > 0.9
    return done


@pytest.fixture
def config(teacher: Run, tmp_path: Path) -> RunConfig:
    """A sound run: a student of that teacher by DKD."""
    return override(
        teacher.config,
        [
            "student.name=glyph_student",
            "method.name=dkd",
            "method.warmup_epochs=2",
            f"teacher.weights={str(teacher.path)!r}",
            "run.name=''",
            f"run.dir={str(tmp_path / 'runs')!r}",
        ],
    )


def look(config: RunConfig, *overrides: str) -> tuple[Finding, ...]:
    return examine(override(config, overrides))


def told(findings: Sequence[Finding], level: str, check: str = "") -> str:
    """What was found at one level by one check (or by all), in one string."""
    return " ".join(
        f"{found.found} {found.mend}"
        for found in findings
        if found.level == level and check in ("", found.check)
    )


@pytest.fixture
def own_data(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[DataOptions], DataSet]], str]:
    """Register a loader for one test, and return its name."""

    def register(loader: Callable[[DataOptions], DataSet]) -> str:
        assert len(datasets) > 0  # all are found before one is added, and this one goes again
        monkeypatch.setitem(datasets._things, "own", DataSource("own", "of a test", "none", loader))
        return "own"

    return register


# -- a sound run --------------------------------------------------------------------------------


def test_a_sound_run_gets_neither_error_nor_warning(config: RunConfig) -> None:
    findings = examine(config)
    assert [found for found in findings if found.level != "ok"] == []
    checks = {found.check for found in findings}
    assert checks >= {"data", "normalisation", "batches", "student", "teacher", "teacher weights"}
    assert checks >= {"pair", "confidence", "loss", "time", "memory", "run folder", "devices"}


def test_looking_changes_nothing(config: RunConfig, teacher: Run) -> None:
    before = (teacher.path / STUDENT).read_bytes()
    torch.manual_seed(7)
    state, threads = torch.get_rng_state(), torch.get_num_threads()
    examine(override(config, ["fabric.threads=1"]))
    assert torch.equal(torch.get_rng_state(), state)
    assert torch.get_num_threads() == threads
    assert (teacher.path / STUDENT).read_bytes() == before
    assert not Path(config.run.dir).exists()


def test_each_finding_is_told_at_once_and_in_order(config: RunConfig) -> None:
    heard: list[Finding] = []
    assert examine(config, heard.append) == tuple(heard)


def test_labels_alone_need_no_teacher(config: RunConfig) -> None:
    findings = look(config, "method.name=ce", "teacher.weights=''")
    assert [found for found in findings if found.level != "ok"] == []
    assert "teacher" not in {found.check for found in findings}


# -- the recipe ---------------------------------------------------------------------------------


def test_one_fault_does_not_hide_the_next(config: RunConfig) -> None:
    findings = look(
        config,
        "data.root=/nowhere.npz",
        "student.name=glyph_studnet",
        "method.temperature=-1.0",
        "teacher.weights=/nowhere/either",
        "train.precision=16-mixed",
        "schedule.warmup_epochs=80",
    )
    assert "/nowhere.npz" in told(findings, "error", "data")
    assert "Did you mean 'glyph_student'?" in told(findings, "error", "student")
    assert "temperature" in told(findings, "error", "method")
    assert "/nowhere/either" in told(findings, "error", "teacher weights")
    assert "needs a GPU" in told(findings, "error", "devices")
    assert "longer than the training" in told(findings, "warning", "schedule")


@pytest.mark.parametrize(
    ("overrides", "told_of"),
    [
        (["schedule.name=multistep", "schedule.milestones=[150, 180]"], "never drops"),
        (["schedule.name=multistep", "schedule.milestones=[]"], "never drops"),
        (["schedule.name=multistep", "schedule.milestones=[4, 8]"], "does not drop at [8]"),
        (["schedule.warmup_epochs=16"], "come to 50%"),
        (["method.warmup_epochs=32"], "come to 25%"),
        (["schedule.name=multistep", "schedule.milestones=[4, 7]"], ""),
        (["method.warmup_epochs=8"], ""),
    ],
)
def test_a_schedule_that_does_not_fit_the_epochs_is_told(
    config: RunConfig, overrides: list[str], told_of: str
) -> None:
    chart = Chart()
    from tutelage.engine.doctor.recipe import look_at_schedule

    look_at_schedule(chart, override(config, overrides))
    warned = told(chart.findings, "warning")
    assert told_of in warned
    assert bool(told_of) == bool(warned)


def test_runs_that_are_there_already_are_told_apart(config: RunConfig, tmp_path: Path) -> None:
    config = override(config, ["method.name=ce", "teacher.weights=''", "train.epochs=1"])
    done = run(config)
    assert "complete already" in told(examine(config), "ok", "run folder")
    (done.path / "result.json").unlink()
    assert "--resume" in told(examine(config), "warning", "run folder")
    other = look(config, f"run.name={done.path.name}", "optimizer.lr=0.2")
    assert "another configuration" in told(other, "error", "run folder")


# -- data ---------------------------------------------------------------------------------------


class BrokenSplit(Split):
    """A split of a stranger, whose labels nobody has checked."""

    def __init__(self, split: Split, targets: Tensor) -> None:
        self.name, self.split, self.targets = split.name, split, targets

    def batches(self, plan: Sequence[Tensor], **how: Any) -> Iterator[Batch]:
        return self.split.batches(plan, **how)

    def fingerprint(self) -> str:
        return self.split.fingerprint()


def test_labels_out_of_range_are_counted_in_every_split(
    config: RunConfig, own_data: Callable[[Callable[[DataOptions], DataSet]], str]
) -> None:
    def loader(options: DataOptions) -> DataSet:
        data = npz(options)
        from_one = BrokenSplit(data.train, data.train.targets + 1)
        unknown = data.test.targets.clone()
        unknown[:3] = -1
        return replace(data, train=from_one, test=BrokenSplit(data.test, unknown))

    findings = look(config, f"data.name={own_data(loader)}")
    labels = told(findings, "error", "labels")
    assert "48 of 240 labels of the train split lie outside 0..4: they go from 1 to 5" in labels
    assert "3 of 100 labels of the test split" in labels
    assert told(findings, "error").count("split") == labels.count("split")  # no trial, no crash


def test_empty_and_uneven_classes_are_told(config: RunConfig, tmp_path: Path) -> None:
    root = write_npz(tmp_path / "p.npz")
    with np.load(root) as content:
        arrays = dict(content)
    few = np.concatenate([np.flatnonzero(arrays["y_train"] != 0), [0, 5, 10, 15]])
    arrays["x_train"], arrays["y_train"] = arrays["x_train"][few], arrays["y_train"][few]
    kept = arrays["y_test"] != 3
    arrays["x_test"], arrays["y_test"] = arrays["x_test"][kept], arrays["y_test"][kept]
    arrays["classes"] = np.array(["ant", "bee", "cat", "dog", "elk"])
    np.savez(root, **arrays)
    warned = told(look(config, f"data.root={root}"), "warning", "classes")
    assert "the test split has no picture of 1 of 5 classes: dog" in warned
    assert "3 to 48 pictures" in warned


def test_a_missing_validation_split_is_told(config: RunConfig) -> None:
    findings = look(config, "data.validation=0.0")
    assert "no epoch can be chosen as the best" in told(findings, "warning", "validation")
    assert "of 300 train pictures" in told(findings, "ok", "teacher")


def test_wrong_normalisation_is_told_with_the_right_one(
    config: RunConfig, own_data: Callable[[Callable[[DataOptions], DataSet]], str]
) -> None:
    right: list[DataSpec] = []

    def loader(options: DataOptions) -> DataSet:
        right.append(npz(options).spec)
        with np.load(str(options.root)) as content:
            parts = [
                (
                    torch.from_numpy(content[f"x_{part}"])[:, None],
                    torch.from_numpy(content[f"y_{part}"]),
                )
                for part in ("train", "test")
            ]
        return array_data_set(
            "own", "abcde", options, train=parts[0], test=parts[1], mean=(0.0,), std=(1 / 255,)
        )

    warned = told(look(config, f"data.name={own_data(loader)}"), "warning", "normalisation")
    mean, std = re.findall(r"\(([\d.]+)\)", warned)[-2:]
    assert float(mean) == pytest.approx(right[0].mean[0], abs=0.005)
    assert float(std) == pytest.approx(right[0].std[0], abs=0.005)


def test_pictures_of_another_shape_than_the_facts_say_are_an_error(
    config: RunConfig, own_data: Callable[[Callable[[DataOptions], DataSet]], str]
) -> None:
    def loader(options: DataOptions) -> DataSet:
        data = npz(options)
        return replace(data, spec=replace(data.spec, height=32))

    findings = look(config, f"data.name={own_data(loader)}")
    assert "(1, 32, 12)" in told(findings, "error", "pictures")
    assert "(1, 12, 12)" in told(findings, "error", "pictures")


@pytest.mark.parametrize(
    ("size", "level", "text"),
    [
        (20, "ok", "12 steps an epoch."),
        (64, "ok", "4 steps an epoch, the last of 48."),
        (239, "ok", "1 steps an epoch; the 1 left over are left out"),
        (500, "warning", "1 steps an epoch, all in one."),
    ],
)
def test_batches_are_told_as_the_run_deals_them(
    config: RunConfig, size: int, level: str, text: str
) -> None:
    assert text in told(look(config, f"train.batch_size={size}"), level, "batches")


# -- networks -----------------------------------------------------------------------------------


def test_a_network_of_other_channels_is_an_error(
    config: RunConfig, own_network: Callable[[Callable[..., nn.Module]], str]
) -> None:
    def colour(num_classes: int, channels: int) -> nn.Module:
        return models.build("glyph_student", num_classes=num_classes, channels=3)

    findings = look(config, f"student.name={own_network(colour)}")
    assert "1 x 12 x 12" in told(findings, "error", "student")
    assert "is right on" in told(findings, "ok", "teacher")  # the other one is looked at still


def test_a_network_of_other_classes_is_an_error(
    config: RunConfig, own_network: Callable[[Callable[..., nn.Module]], str]
) -> None:
    def thousand(num_classes: int, channels: int) -> nn.Module:
        return models.build("glyph_student", num_classes=1000, channels=channels)

    findings = look(config, f"student.name={own_network(thousand)}")
    assert "scores 1000 classes, npz has 5" in told(findings, "error", "student")


def test_a_network_that_raises_is_a_finding_and_no_crash(
    config: RunConfig, own_network: Callable[[Callable[..., nn.Module]], str]
) -> None:
    class Stranger(nn.Module):
        def __init__(self, num_classes: int) -> None:
            super().__init__()
            self.linear = nn.Linear(144, num_classes)

        def forward(self, images: Tensor) -> Tensor:
            raise KeyError("features")

    findings = look(config, f"student.name={own_network(Stranger)}")
    assert "KeyError: 'features'" in told(findings, "error", "student")


def test_a_teacher_of_another_number_of_classes_is_told_with_both(
    config: RunConfig, tmp_path: Path
) -> None:
    root = write_npz(tmp_path / "four.npz", classes=4)
    findings = look(config, f"data.root={root}")
    assert "They score 5 classes, the data have 4" in told(findings, "error", "teacher weights")
    assert "not checked" in told(findings, "warning", "teacher")
    assert "untrained teacher: not checked" in told(findings, "ok", "loss")
    assert told(findings, "ok", "time")


@pytest.mark.parametrize("wrap", [True, False])
def test_the_layout_of_a_checkpoint_is_told(
    config: RunConfig, teacher: Run, tmp_path: Path, wrap: bool
) -> None:
    weights = load_file(teacher.path / STUDENT)
    path = tmp_path / "teacher.pth"
    torch.save({"model": weights, "epoch": 8} if wrap else weights, path)
    findings = look(config, "teacher.name=glyph_student_wide", f"teacher.weights={path}")
    layout = told(findings, "ok", "teacher weights")
    assert ("the keys model, epoch" if wrap else "a bare state dict of 20 tensors") in layout
    assert not told(findings, "error")


def test_missing_and_unexpected_keys_are_named(
    config: RunConfig, teacher: Run, tmp_path: Path
) -> None:
    weights = load_file(teacher.path / STUDENT)
    weights["head.weight"] = weights.pop("fc.weight")
    save_file(weights, path := tmp_path / "t.safetensors")
    findings = look(config, "teacher.name=glyph_student_wide", f"teacher.weights={path}")
    fault = told(findings, "error", "teacher weights")
    assert "missing: fc.weight" in fault
    assert "unexpected: head.weight" in fault


def test_weights_that_are_not_finite_are_an_error(
    config: RunConfig, teacher: Run, tmp_path: Path
) -> None:
    weights = load_file(teacher.path / STUDENT)
    weights["fc.bias"][2] = math.nan
    save_file(weights, path := tmp_path / "t.safetensors")
    findings = look(config, "student.name=glyph_student_wide", f"student.weights={path}")
    assert "fc.bias are not" in told(findings, "error", "student weights")


def test_the_statistics_published_with_weights_are_compared(
    config: RunConfig, tmp_path: Path
) -> None:
    name = "torchvision/shufflenet_v2_x0_5"
    network = models.build(name, num_classes=CLASSES, channels=3)
    save_file(network.state_dict(), path := tmp_path / "t.safetensors")
    findings = look(config, "data.channels=3", f"teacher.name={name}", f"teacher.weights={path}")
    warned = told(findings, "warning", "teacher weights")
    # ImageNet's, as torchvision's documentation gives them for this network.
    assert "mean (0.485, 0.456, 0.406), std (0.229, 0.224, 0.225) and 224 pixels" in warned
    found = re.search(
        r"set (teacher\.image_size=224) (teacher\.mean=\S+) (teacher\.std=\S+);", warned
    )
    assert found
    options = ["data.channels=3", f"teacher.name={name}", f"teacher.weights={path}"]
    mended = look(config, *options, *found.groups())
    assert not [one for one in mended if (one.level, one.check) == ("warning", "teacher weights")]
    assert "takes 3 x 224 x 224" in told(mended, "ok", "teacher")


def test_timm_tells_what_its_weights_want_to_see() -> None:
    # ViT-B/16 of Google Research was trained on pictures scaled to -1..1.
    wanted = networks._published_input("timm/vit_base_patch16_224.augreg_in21k")
    assert wanted == ((0.5, 0.5, 0.5), (0.5, 0.5, 0.5), 224)


def test_a_student_that_is_its_teacher_is_told(config: RunConfig, teacher: Run) -> None:
    alike = look(config, "student.name=glyph_student_wide")
    assert "self-distillation" in told(alike, "ok", "pair")
    same = look(config, "student.name=glyph_student_wide", f"student.weights={str(teacher.path)!r}")
    assert "one set of weights" in told(same, "warning", "pair")
    assert "self-distillation" not in told(examine(config), "ok", "pair")


def test_batch_norm_over_few_pictures_is_told(config: RunConfig) -> None:
    few = look(config, "train.batch_size=24", "train.accumulate=4")
    assert "only 6 pictures" in told(few, "warning", "batch norm")


# -- the teacher --------------------------------------------------------------------------------


def test_a_teacher_at_chance_is_an_error(config: RunConfig, teacher: Run, tmp_path: Path) -> None:
    weights = load_file(teacher.path / STUDENT)
    weights["fc.weight"].zero_()
    weights["fc.bias"].copy_(torch.tensor([1.0, 0, 0, 0, 0]))
    save_file(weights, path := tmp_path / "t.safetensors")
    findings = look(config, "teacher.name=glyph_student_wide", f"teacher.weights={path}")
    assert "right on 20.00% of 60 validation pictures" in told(findings, "error", "teacher")
    assert not told(findings, "error", "class order")


@pytest.mark.parametrize(
    ("order", "names", "cause"),
    [
        ([1, 2, 3, 4, 0], "abcde", ""),
        ([1, 0, 2, 3, 4], "abcde", "2 classes"),
        ([3, 1, 0, 2, 4], "cbdae", "sorts them by name"),
    ],
)
def test_another_order_of_classes_is_found_out(
    config: RunConfig, tmp_path: Path, order: list[int], names: str, cause: str
) -> None:
    root = write_npz(tmp_path / "p.npz", order=order)
    with np.load(root) as content:
        arrays = dict(content)
    arrays["classes"] = np.array(list(names))
    np.savez(root, **arrays)
    findings = look(config, f"data.root={root}")
    fault = told(findings, "error", "class order")
    moved = [label for pattern, label in enumerate(order) if label != pattern]
    assert f"{len(moved)} classes come in another order" in fault
    for pattern, label in enumerate(order):
        if label != pattern:
            assert f"{names[label]!r} is its class {pattern}" in fault
    assert cause in fault


@pytest.mark.parametrize("num_classes", [3, 10, 100, 1000])
def test_a_teacher_that_merely_errs_is_not_accused_of_another_order(num_classes: int) -> None:
    for seed in range(20):
        generator = torch.Generator().manual_seed(seed)
        target = torch.randint(num_classes, (2000,), generator=generator)
        guess = torch.randint(num_classes, (2000,), generator=generator)
        lucky = torch.rand(2000, generator=generator)
        assert reordered(guess, target, num_classes) == {}
        for skill in (0.2, 0.6):
            mixed = torch.where(lucky < skill, target, guess)
            assert reordered(mixed, target, num_classes) == {}
        collapsed = torch.where(lucky < 0.9, guess % 2, guess)
        assert reordered(collapsed, target, num_classes) == {}
        confused = torch.where(target == 0, torch.tensor(1), target)  # always says 1 for 0
        assert reordered(confused, target, num_classes) == {}


@pytest.mark.parametrize("skill", [0.6, 0.95])
def test_a_permutation_is_found_under_errors_and_told_exactly(skill: float) -> None:
    generator = torch.Generator().manual_seed(0)
    order = torch.randperm(20, generator=generator)
    target = torch.randint(20, (2000,), generator=generator)
    guess = torch.randint(20, (2000,), generator=generator)
    said = torch.where(torch.rand(2000, generator=generator) < skill, order[target], guess)
    wanted = {of: its for of, its in enumerate(order.tolist()) if of != its}
    assert reordered(said, target, 20) == wanted


def test_a_teacher_without_weights_is_an_error(config: RunConfig) -> None:
    unnamed = look(config, "teacher.weights=''")
    assert "none is named" in told(unnamed, "error", "teacher")
    untrained = look(config, "teacher.weights=''", "teacher.name=glyph_teacher")
    assert "glyph_teacher has no weights" in told(untrained, "error", "teacher")
    assert told(untrained, "ok", "time")


def test_a_teacher_to_be_trained_first_is_estimated_apart(
    config: RunConfig, teacher: Run, tmp_path: Path
) -> None:
    recipe = tmp_path / "teacher.toml"
    recipe.write_text(
        TEACHER.format(root=teacher.config.data.root, runs=config.run.dir).replace(
            "epochs = 8", "epochs = 5"
        )
    )
    given = ["teacher.weights=''", f"teacher.recipe={str(recipe)!r}"]
    missing = look(config, *given)
    assert "not among the runs" in told(missing, "error", "teacher")
    first = look(config, *given, "teacher.train=true")
    assert not told(first, "error")
    assert "trained first" in told(first, "ok", "teacher")
    assert "not checked" in told(first, "warning", "teacher")
    assert "before it, its teacher: about" in told(first, "ok", "time")
    assert not Path(config.run.dir).exists()


def test_a_teacher_of_another_split_is_told(config: RunConfig) -> None:
    findings = look(config, "data.split_seed=3")
    assert "data.split_seed 0, now 3" in told(findings, "warning", "teacher")


def test_the_confidence_is_that_of_the_softened_answers(config: RunConfig, teacher: Run) -> None:
    found = told(look(config, "method.temperature=2.0", "method.beta=6"), "ok", "confidence")
    data = npz(DataOptions(root=Path(teacher.config.data.root), validation=0.2, augment="none"))
    assert data.validation is not None
    batch = next(data.validation.batches([torch.arange(60)], augment=False, seed=0, epoch=0))
    network = models.build("glyph_student_wide", num_classes=CLASSES, channels=1)
    network.load_state_dict(load_file(teacher.path / STUDENT))
    with torch.no_grad():
        logits = network.eval()(batch.images).double().numpy()
    p_t = softmax(logits / 2, axis=1)[np.arange(60), batch.target.numpy()].mean()
    assert f"p_t = {p_t:.3f}" in found
    assert f"1 - p_t = {1 - p_t:.3f}" in found
    assert "NCKD weighs 6" in found
    assert f"method.coupling=1 would weigh it {6 * (1 - p_t):.3g}" in found


# -- the loss and the first steps ---------------------------------------------------------------


def test_dkd_on_two_classes_is_an_error(config: RunConfig, tmp_path: Path) -> None:
    root = write_npz(tmp_path / "two.npz", classes=2)
    findings = look(config, f"data.root={root}", "teacher.weights=''", "teacher.name=glyph_teacher")
    assert "at least three classes" in told(findings, "error", "set-up")


def test_terms_that_weigh_all_or_nothing_are_told(config: RunConfig) -> None:
    kd = ["method.name=kd", "method.warmup_epochs=0"]
    nothing = look(config, *kd, "method.ce_weight=0.0")
    assert "the labels weigh nothing" in told(nothing, "warning", "loss")
    assert "kd has 100.0% of the gradient: the rest" in told(nothing, "warning", "loss")
    little = look(config, *kd, "method.ce_weight=1.0", "method.kd_weight=0.0001")
    assert "it hardly counts" in told(little, "warning", "loss")


def test_terms_are_told_at_the_end_of_their_ramp(config: RunConfig) -> None:
    at_once = told(look(config, "method.warmup_epochs=0"), "ok", "loss")
    ramped = told(look(config, "method.warmup_epochs=8"), "ok", "loss")
    assert at_once == ramped
    assert "nckd" in ramped


def test_an_infinite_loss_is_told_by_term_and_precision(
    config: RunConfig, own_network: Callable[[Callable[..., nn.Module]], str]
) -> None:
    class Exploding(nn.Module):
        def __init__(self, num_classes: int) -> None:
            super().__init__()
            self.linear = nn.Linear(144, num_classes)

        def forward(self, images: Tensor) -> Tensor:
            logits: Tensor = self.linear(images.flatten(1)) * 1e38 * 1e38
            return logits

    findings = look(
        config,
        f"student.name={own_network(Exploding)}",
        "method.name=ce",
        "teacher.weights=''",
        "train.precision=32-true",
    )
    assert "ce or its gradient is not finite in 32-true" in told(findings, "error", "loss")


def test_a_learning_rate_that_diverges_at_once_is_told(config: RunConfig) -> None:
    findings = look(config, "optimizer.lr=1e30")
    assert "Lower optimizer.lr" in told(findings, "error", "first steps")


def test_the_time_is_steps_times_epochs_times_what_a_step_took(
    config: RunConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    def sleepy(*arguments: object, **keywords: object) -> dict[str, Tensor]:
        time.sleep(0.05)
        return {}

    monkeypatch.setattr(loop, "step", sleepy)
    found = told(look(config, "train.epochs=10"), "ok", "time")
    measured = re.fullmatch(
        r"about (\d+) s: 10 epochs, 120 steps of ([\d.]+) ms and 10 evaluations\. ", found
    )
    assert measured is not None
    assert 50 <= float(measured[2]) < 500
    training = 120 * float(measured[2]) / 1000
    assert training - 1 <= int(measured[1]) <= training + 30


def test_two_processes_are_looked_at_by_one_with_half_the_batch(config: RunConfig) -> None:
    findings = look(config, "fabric.devices=2", "train.batch_size=40")
    assert "one of 2 processes" in told(findings, "ok", "devices")
    assert "6 steps an epoch" in told(findings, "ok", "batches")
    assert "48 steps" in told(findings, "ok", "time")
    assert not told(findings, "error")


def test_the_run_it_finds_is_the_one_that_would_be_run(config: RunConfig) -> None:
    automatic = override(config, ["train.precision=auto", "method.name=ce"])
    done = run(automatic)
    assert str(done.path) in told(examine(automatic), "ok", "run folder")
