import json
import math
import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from torch import nn

from tutelage.config import RunConfig, load, override
from tutelage.engine import find_run, run
from tutelage.engine.build import build
from tutelage.engine.run import make_fabric, prepare
from tutelage.errors import (
    ConfigError,
    ModelError,
    NonFiniteError,
    RecordError,
    ShapeError,
    TeacherError,
)
from tutelage.losses import computed_by
from tutelage.record import STUDENT, STUDENT_BEST, read_run


def test_a_run_leaves_all_that_its_record_promises(config: RunConfig) -> None:
    done = run(config)
    result = done.result
    assert result is not None
    assert done.config.run.name == done.path.name
    assert {path.name for path in done.path.iterdir()} >= {
        "run.toml",
        "rows.jsonl",
        "evaluations.jsonl",
        "result.json",
        STUDENT,
        STUDENT_BEST,
    }
    assert not (done.path / "checkpoint.pt").exists()
    assert result.steps == 2 * math.ceil(240 / 32)
    assert [row.step for row in done.rows] == [3, 6, 8, 11, 14, 16]
    assert result.last_test is not None
    assert result.last_test.count == 100
    assert result.student_parameters == sum(
        tensor.numel()
        for name, tensor in load_file(done.path / STUDENT).items()
        if name.endswith((".weight", ".bias"))
    )
    assert all(row.loss == pytest.approx(sum(row.terms.values())) for row in done.rows)
    assert result.versions["losses"] == computed_by()


def test_the_recorded_configuration_repeats_the_run_bit_for_bit(
    config: RunConfig, tmp_path: Path
) -> None:
    done = run(config)
    again = run(load(done.path, [f"run.dir={tmp_path / 'elsewhere'}"]))
    assert again.path != done.path
    assert (again.path / STUDENT).read_bytes() == (done.path / STUDENT).read_bytes()


def test_a_complete_run_is_found_again_and_not_done_again(config: RunConfig) -> None:
    done = run(config)
    written = (done.path / "result.json").stat().st_mtime_ns
    assert run(config).result == done.result
    assert (done.path / "result.json").stat().st_mtime_ns == written
    found = find_run(config)
    assert found is not None
    assert found.path == done.path
    assert find_run(override(config, ["optimizer.lr=0.01"])) is None


def test_the_teacher_is_bit_identical_after_and_its_lineage_is_known(config: RunConfig) -> None:
    taught_by = run(config)
    before = (taught_by.path / STUDENT).read_bytes()
    done = run(override(config, ["method.name=dkd", f"teacher.weights={taught_by.path}"]))
    assert (taught_by.path / STUDENT).read_bytes() == before
    assert done.result is not None
    assert done.result.teacher_run == str(taught_by.path)
    assert done.result.teacher is not None
    assert taught_by.result is not None
    assert taught_by.result.last_validation is not None
    assert done.result.teacher.top1 == taught_by.result.last_validation.top1
    row = done.rows[-1]
    assert set(row.terms) == {"ce", "tckd", "nckd"}
    assert sum(row.gradient_share.values()) == pytest.approx(1, abs=1e-5)
    assert row.teacher_target_probability is not None
    assert row.teacher_rest_probability == pytest.approx(1 - row.teacher_target_probability)


def test_bf16_records_the_same_kinds_of_numbers_and_reaches_about_the_same(
    config: RunConfig,
) -> None:
    teacher = run(config)
    options = ["method.name=dkd", f"teacher.weights={teacher.path}", "train.channels_last=true"]
    wide = run(override(config, options))
    narrow = run(override(config, [*options, "train.precision=bf16-mixed"]))
    for one, other in zip(wide.rows, narrow.rows, strict=True):
        assert other.terms == pytest.approx(one.terms, rel=0.2, abs=0.02)
        assert other.gradient_share.keys() == one.gradient_share.keys()


def test_methods_start_from_the_same_student(config: RunConfig) -> None:
    fabric = make_fabric(config)
    alone = build(config, fabric).network.state_dict()
    options = ["method.name=dkd", "teacher.name=glyph_teacher"]
    taught = build(override(config, options), fabric).network.state_dict()
    assert all(torch.equal(alone[name], taught[name]) for name in alone)


def test_a_teacher_worse_than_chance_stops_the_run(config: RunConfig, tmp_path: Path) -> None:
    taught_by = run(override(config, ["train.epochs=12", "optimizer.lr=0.1"]))
    weights = load_file(taught_by.path / STUDENT)
    head = [name for name in weights if weights[name].shape[:1] == (5,)]
    for name in head:  # class c now answers as class c + 1 does: right on nothing
        weights[name] = weights[name].roll(1, dims=0)
    torch.save(weights, tmp_path / "wrong.pth")
    options = ["method.name=kd", "teacher.name=glyph_student"]
    with pytest.raises(TeacherError, match=r"better than chance \(20.00%\), but is right on"):
        run(override(config, [*options, f"teacher.weights={tmp_path / 'wrong.pth'}"]))


def test_a_diverging_run_names_the_term_and_keeps_the_checkpoint(config: RunConfig) -> None:
    with pytest.raises(NonFiniteError, match=r"epoch \d at step \d+, .*(ce|gradient_norm) is"):
        run(override(config, ["optimizer.lr=1e30", "run.name=bad"]))
    folder = Path(config.run.dir) / "bad"
    assert read_run(folder).state == "unfinished"
    assert not (folder / STUDENT).exists()
    if (folder / "checkpoint.pt").exists():
        kept = torch.load(folder / "checkpoint.pt", weights_only=True)["student"]
        assert all(tensor.isfinite().all() for tensor in kept.values())


def test_an_unfinished_run_is_not_overwritten(config: RunConfig) -> None:
    with pytest.raises(NonFiniteError):
        run(override(config, ["optimizer.lr=1e30", "run.name=bad"]))
    with pytest.raises(RecordError, match="--resume"):
        run(override(config, ["optimizer.lr=1e30", "run.name=bad"]))


def test_a_name_does_not_pass_off_another_run_for_this_one(config: RunConfig) -> None:
    run(override(config, ["run.name=mine"]))
    with pytest.raises(RecordError, match=r"differs in optimizer\.lr; give this one another"):
        run(override(config, ["run.name=mine", "optimizer.lr=0.01"]), resume=True)


def test_automatic_precision_and_layout_are_recorded_as_what_they_came_to(
    config: RunConfig,
) -> None:
    done = run(override(config, ["train.precision=auto", "fabric.accelerator=cpu"]))
    assert done.config.train.precision in {"32-true", "bf16-mixed"}
    assert done.config.train.channels_last is True


@pytest.mark.parametrize(
    ("precision", "wanted"), [("32-true", False), ("bf16-mixed", True), ("16-mixed", True)]
)
def test_on_a_gpu_channels_come_last_where_it_computes_in_16_bits(
    config: RunConfig, precision: str, wanted: bool
) -> None:
    options = ["fabric.accelerator=cuda", f"train.precision={precision}"]
    assert prepare(override(config, options)).train.channels_last is wanted
    first = prepare(override(config, [*options, "train.channels_last=false"]))
    assert first.train.channels_last is False


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        (["method.name=kd"], ConfigError, "method kd needs a teacher"),
        (["method.name=dkdd"], ConfigError, "Did you mean 'dkd'"),
        (["method.name=dkd", "method.betta=2"], ConfigError, "Did you mean 'beta'"),
        (["method.name=dkd", "method.temperature=0"], ConfigError, "temperature"),
        (["student.name=resnet8x5"], ConfigError, "Did you mean 'resnet8x4'"),
        (
            ["method.name=kd", "teacher.name=resnet8", "teacher.weights=/nowhere"],
            ModelError,
            "no weights at /nowhere",
        ),
        (["train.precision=16-mixed", "fabric.accelerator=cpu"], ConfigError, "needs a GPU"),
        (["run.imports=['nowhere.py']"], ConfigError, "must name Python files"),
        (["fabric.strategy=dpp"], ConfigError, "cannot run accelerator auto.*dpp"),
        (["fabric.strategy=fsdp", "fabric.accelerator=cpu"], ConfigError, "strategy fsdp"),
        (["fabric.accelerator=cuda"], ConfigError, "accelerator cuda"),
    ],
)
def test_a_mistake_is_told_before_a_folder_is_made(
    config: RunConfig, options: list[str], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        run(override(config, options))
    assert not Path(config.run.dir).exists()


def test_a_split_too_small_for_a_step_is_told(config: RunConfig) -> None:
    with pytest.raises(ConfigError, match=r"two pictures for each of 1 parts, but .* holds 1"):
        run(override(config, ["data.limit=1"]))


def test_an_own_file_may_not_bear_the_name_of_another_module(
    config: RunConfig, tmp_path: Path
) -> None:
    own = tmp_path / "json.py"
    own.write_text("")
    with pytest.raises(ConfigError, match="another module is named 'json'"):
        run(override(config, [f"run.imports=[{json.dumps(str(own))}]"]))


def test_accumulated_parts_give_the_gradient_of_the_whole_batch(config: RunConfig) -> None:
    """Up to batch norm, so the student here has none; rounding sums in another order."""
    own = Path(config.run.dir).parent / "linear_net.py"
    own.write_text(
        "from torch import nn\n"
        "def plain(num_classes, channels):\n"
        "    return nn.Sequential(nn.Flatten(), nn.Linear(144 * channels, num_classes))\n"
    )
    options = [f"run.imports=[{json.dumps(str(own))}]", "student.name=linear_net:plain"]
    whole = run(override(config, options))
    parts = run(override(config, [*options, "train.accumulate=3"]))
    first, second = (load_file(one.path / STUDENT) for one in (whole, parts))
    for name, tensor in first.items():
        torch.testing.assert_close(second[name], tensor, rtol=1e-4, atol=1e-5)


def test_a_network_that_gives_more_rows_than_pictures_is_refused() -> None:
    from tutelage.engine.watch import Watch

    with pytest.raises(ShapeError, match=r"made \(12, 4\) of images \(3, 1, 4, 4\)"):
        Watch(_Rows())(torch.zeros(3, 1, 4, 4))


class _Rows(nn.Module):
    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return images.reshape(-1, 4)


@pytest.mark.skipif(not shutil.which("g++"), reason="torch.compile needs g++")
def test_compiled_it_learns_the_same(config: RunConfig) -> None:
    plain = run(override(config, ["train.epochs=1"]))
    compiled = run(override(config, ["train.epochs=1", "train.compile=true"]))
    first, second = (load_file(one.path / STUDENT) for one in (plain, compiled))
    assert first.keys() == second.keys()
    for name, tensor in first.items():
        torch.testing.assert_close(second[name], tensor, rtol=1e-2, atol=1e-3)


def test_clipping_bounds_what_the_optimiser_sees(config: RunConfig) -> None:
    """With plain SGD a step is the learning rate times the clipped gradient."""
    options = ["train.clip_norm=0.01", "optimizer.momentum=0", "optimizer.weight_decay=0"]
    clipped = override(config, [*options, "train.epochs=1", "schedule.name=constant"])
    fabric = make_fabric(clipped)
    before = {
        name: tensor.detach().clone()
        for name, tensor in build(clipped, fabric).network.named_parameters()
    }
    done = run(clipped)
    after = load_file(done.path / STUDENT)
    moved = sum((after[name] - tensor).square().sum() for name, tensor in before.items()) ** 0.5
    assert 0 < moved <= 8 * 0.01 * clipped.optimizer.lr * 1.001  # 8 steps
    assert all(row.gradient_norm is not None and row.gradient_norm > 0.01 for row in done.rows)
