import os
import pickle
from argparse import Namespace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from tutelage.engine.checkpoint import load_weights, read_weights, save_weights
from tutelage.errors import ModelError
from tutelage.models import build


def network() -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.Flatten(), nn.Linear(4, 3))


@pytest.mark.parametrize("wrap", ["bare", "model", "state_dict", "module.", "model of module."])
@pytest.mark.parametrize("name", ["weights.pth", "weights"])
def test_the_usual_wrappings_are_taken_off(tmp_path: Path, wrap: str, name: str) -> None:
    source, target = network(), network()
    content: dict[str, object] = dict(source.state_dict())
    if "module." in wrap:
        content = {f"module.{key}": value for key, value in content.items()}
    if wrap.startswith(("model", "state_dict")) and wrap != "module.":
        content = {wrap.split()[0]: content, "epoch": 240, "accuracy": torch.tensor(0.7)}
    torch.save(content, tmp_path / name)
    load_weights(target, tmp_path / name)
    assert all(
        torch.equal(a, b) for a, b in zip(source.parameters(), target.parameters(), strict=True)
    )


def holding(tmp_path: Path, content: object, *, old: bool = False) -> Path:
    path = tmp_path / "weights"  # mdistiller's files have no ending
    torch.save(content, path, _use_new_zipfile_serialization=not old)
    return path


def same(network: nn.Module, weights: dict[str, torch.Tensor]) -> bool:
    state = network.state_dict()
    return state.keys() == weights.keys() and all(torch.equal(state[k], weights[k]) for k in state)


@pytest.mark.parametrize("old", [False, True], ids=["zip", "before torch 1.6"])
def test_a_last_checkpoint_of_repdistiller_is_read_command_line_and_all(
    tmp_path: Path, old: bool
) -> None:
    weights = build("resnet20", num_classes=100).state_dict()
    options = Namespace(model="resnet20", learning_rate=0.05, lr_decay_epochs=[150, 180, 210])
    path = holding(tmp_path, {"opt": options, "model": weights}, old=old)
    target = build("resnet20", num_classes=100)
    load_weights(target, path)
    assert same(target, weights)


@pytest.mark.parametrize(
    "accuracy", [79.42, torch.tensor(79.42), np.float64(79.42), np.float32(79.42)]
)
def test_an_accuracy_beside_the_weights_may_be_any_kind_of_number(
    tmp_path: Path, accuracy: object
) -> None:
    source, target = network(), network()
    optimizer = torch.optim.SGD(source.parameters(), lr=0.05, momentum=0.9)
    content = {"epoch": 240, "model": source.state_dict(), "accuracy": accuracy}
    load_weights(target, holding(tmp_path, content | {"optimizer": optimizer.state_dict()}))
    assert same(target, source.state_dict())


@pytest.mark.parametrize("prefix", ["module.", ""])
def test_the_student_is_taken_out_of_a_file_that_holds_its_teacher_too(
    tmp_path: Path, prefix: str
) -> None:
    """mdistiller's ``latest``, ``best`` and ``epoch_K``: the whole distiller, maybe in parallel."""
    student, teacher, target = (
        build(name, num_classes=100) for name in ("resnet8x4", "resnet32x4", "resnet8x4")
    )
    whole = {f"{prefix}student.{key}": value for key, value in student.state_dict().items()}
    whole |= {f"{prefix}teacher.{key}": value for key, value in teacher.state_dict().items()}
    whole[f"{prefix}conv_reg.conv.weight"] = torch.ones(3)
    content = {"epoch": 3, "model": whole, "optimizer": {}, "best_acc": torch.tensor(12.0)}
    load_weights(target, holding(tmp_path, content))
    assert same(target, student.state_dict())


def test_safetensors_come_back_bit_for_bit(tmp_path: Path) -> None:
    source = network()
    save_weights(tmp_path / "w.safetensors", source.state_dict())
    first = (tmp_path / "w.safetensors").read_bytes()
    again = read_weights(tmp_path / "w.safetensors")
    assert all(torch.equal(again[key], value) for key, value in source.state_dict().items())
    save_weights(tmp_path / "w.safetensors", source.state_dict())
    assert (tmp_path / "w.safetensors").read_bytes() == first


class Bomb:
    """A pickle that runs a command when it is opened."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.mkdir, (str(self.mark),)


@pytest.mark.parametrize("by", ["torch", "a command line", "an accuracy", "pickle"])
def test_a_malicious_pickle_is_refused_and_runs_nothing(tmp_path: Path, by: str) -> None:
    mark, path = tmp_path / "exploded", tmp_path / "evil.pth"
    bombs = {
        "torch": Bomb(mark),
        "a command line": Namespace(seed=Bomb(mark)),
        "an accuracy": np.array([Bomb(mark)], dtype=object),
    }
    if by == "pickle":
        path.write_bytes(pickle.dumps(Bomb(mark)))
    else:
        torch.save({"model": network().state_dict(), "extra": bombs[by]}, path)
    with pytest.raises(ModelError, match=r"evil\.pth holds more than weights, and is not opened"):
        load_weights(network(), path)
    assert not mark.exists()
    torch.load(path, weights_only=False) if by != "pickle" else pickle.loads(path.read_bytes())
    assert mark.exists()  # so there was something to fear


def test_a_whole_network_that_was_pickled_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="Save the bare state dict"):
        read_weights(holding(tmp_path, network()))


def test_a_classifier_that_was_a_1x1_convolution_becomes_a_linear_layer(tmp_path: Path) -> None:
    source, target = (build("mobilenetv2_tiny", num_classes=200) for _ in range(2))
    weights = dict(source.state_dict())
    weights["conv2.weight"] = weights["conv2.weight"][:, :, None, None]
    load_weights(target, holding(tmp_path, {"model": weights}))
    assert same(target, source.state_dict())


def test_a_file_from_before_batch_norms_counted_their_batches_loads(tmp_path: Path) -> None:
    source, target = network(), network()
    old = {k: v for k, v in source.state_dict().items() if not k.endswith("num_batches_tracked")}
    assert len(old) < len(source.state_dict())
    load_weights(target, holding(tmp_path, old))
    assert same(target, source.state_dict())


def test_a_misfit_names_what_is_missing_left_over_and_of_another_shape(tmp_path: Path) -> None:
    weights = dict(network().state_dict())
    weights["head.weight"] = weights.pop("3.weight")
    weights["3.bias"] = torch.zeros(7)
    torch.save(weights, tmp_path / "w.pth")
    with pytest.raises(ModelError) as raised:
        load_weights(network(), tmp_path / "w.pth")
    told = str(raised.value)
    assert "missing: 3.weight" in told
    assert "unexpected: head.weight" in told
    assert "3.bias is (7,), the network has (3,)" in told


@pytest.mark.parametrize("content", [b"", b"not weights at all", b"PK\x03\x04 torn"])
def test_a_file_that_holds_no_weights_is_told(tmp_path: Path, content: bytes) -> None:
    for name in ("w.pth", "w.safetensors"):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(ModelError, match=name):
            read_weights(tmp_path / name)


def test_weights_that_are_not_there_are_told(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="there are no weights at"):
        read_weights(tmp_path / "none.pth")
