import os
import pickle
from pathlib import Path

import pytest
import torch
from torch import nn

from tutelage.engine.checkpoint import load_weights, read_weights, save_weights
from tutelage.errors import ModelError


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


@pytest.mark.parametrize("by", ["torch", "pickle"])
def test_a_malicious_pickle_is_refused_and_runs_nothing(tmp_path: Path, by: str) -> None:
    mark, path = tmp_path / "exploded", tmp_path / "evil.pth"
    if by == "torch":
        torch.save({"model": network().state_dict(), "extra": Bomb(mark)}, path)
    else:
        path.write_bytes(pickle.dumps(Bomb(mark)))
    with pytest.raises(ModelError, match=r"evil\.pth"):
        load_weights(network(), path)
    assert not mark.exists()


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
