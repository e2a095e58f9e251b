import copy
import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from torch import nn

from tutelage import Distiller
from tutelage.config import RunConfig, override
from tutelage.engine import Reporter, run
from tutelage.engine.export import export
from tutelage.engine.reread import load_student, reread
from tutelage.errors import ConfigError
from tutelage.methods import methods
from tutelage.methods import simkd as simkd_file
from tutelage.models import build
from tutelage.record import STUDENT


def test_where_the_projected_features_are_the_teachers_so_are_the_logits(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(simkd_file, "projector", lambda inputs, outputs: nn.Identity())
    torch.manual_seed(0)
    teacher = build("resnet8x4", num_classes=10)
    student = copy.deepcopy(teacher)
    nn.init.normal_(student.get_parameter("fc.weight"))
    distiller = Distiller(student, teacher, "simkd")
    images = torch.randn(4, 3, 32, 32)
    student.eval()
    teacher.eval()
    torch.testing.assert_close(student(images), teacher(images))
    terms = distiller.eval()(images, torch.arange(4))
    assert float(terms["simkd"].detach()) == 0


def test_a_student_whose_features_are_matched_is_as_good_as_the_teacher() -> None:
    """Learnt, not wired: a small distance leaves the logits close, through a real projector."""
    torch.manual_seed(0)
    student, teacher = build("resnet8", num_classes=10), build("resnet8x4", num_classes=10)
    distiller = Distiller(student, teacher, "simkd")
    images, target = torch.randn(8, 3, 32, 32), torch.arange(8)
    with torch.no_grad():
        wanted = teacher(images)
    optimizer = torch.optim.Adam(distiller.parameters(), lr=1e-2)
    gaps = []
    for _ in range(30):
        optimizer.zero_grad()
        distiller(images, target)["simkd"].backward()
        optimizer.step()
        gaps.append(float((student(images) - wanted).detach().square().mean()))
    assert min(gaps[-5:]) < 0.1 * gaps[0]


def test_the_head_is_a_frozen_copy_of_the_teachers() -> None:
    student, teacher = build("resnet20", num_classes=10), build("resnet8x4", num_classes=10)
    distiller = Distiller(student, teacher, "simkd", ce_weight=1.0)
    torch.stack(
        list(distiller(torch.randn(2, 3, 32, 32), torch.arange(2)).values())
    ).sum().backward()
    for name in ("fc.weight", "fc.bias"):
        own, its = student.get_parameter(name), teacher.get_parameter(name)
        assert torch.equal(own, its)
        assert own.data_ptr() != its.data_ptr()
        assert not own.requires_grad
    body = [each for name, each in student.named_parameters() if not name.startswith("fc.")]
    assert all(each.grad is not None for each in body)


def test_a_sum_cannot_have_it_as_a_part() -> None:
    with pytest.raises(ConfigError, match=r"leave the student as it is; dkd\+simkd has simkd"):
        methods["dkd+simkd"]


class StopError(Exception):
    """Stands for a crash."""


class StopAfter(Reporter):
    def __init__(self, steps: int) -> None:
        self.left = steps

    def step(self) -> None:
        self.left -= 1
        if self.left == 0:
            raise StopError


@pytest.fixture
def taught(config: RunConfig) -> RunConfig:
    teacher = run(override(config, ["student.name=glyph_teacher"]))
    return override(config, ["method.name=simkd", f"teacher.weights={teacher.path}"])


def test_a_run_leaves_the_student_it_measured_and_resumes_bit_for_bit(taught: RunConfig) -> None:
    done = run(taught)
    assert done.result is not None
    assert done.result.last_test is not None
    assert reread(done.path, split="test").top1 == done.result.last_test.top1
    again = override(taught, ["run.name=again"])
    with pytest.raises(StopError):
        run(again, reporter=StopAfter(11))
    resumed = run(again, resume=True)
    assert (resumed.path / STUDENT).read_bytes() == (done.path / STUDENT).read_bytes()
    head = load_file(done.path / STUDENT)["fc.weight"]
    assert torch.equal(head, load_file(Path(taught.teacher.weights) / STUDENT)["fc.weight"])
    assert done.result.student_parameters == sum(
        each.numel() for each in load_student(done.path)[0].parameters()
    )


def test_it_is_exported_with_the_teachers_head_with_and_without_the_data(
    taught: RunConfig, tmp_path: Path
) -> None:
    done = run(taught)
    gone = [f"data.root={json.dumps('/nowhere.npz')}"]
    for form in ("safetensors", "pt2", "onnx"):  # each is compared with the student inside
        export(done.path, form, tmp_path / f"s.{form}")
        export(done.path, form, tmp_path / f"t.{form}", overrides=gone, input_shape=(1, 12, 12))
