"""The second BN update of mdistiller's wide ResNets, beside one written as that code does it."""

from copy import deepcopy

import pytest
import torch
from lightning_fabric import Fabric
from torch import Tensor, nn

from tutelage import Distiller
from tutelage.config import RunConfig, override
from tutelage.engine.build import build
from tutelage.engine.fidelity import NORMALISED_TWICE, follow_mdistiller
from tutelage.models import build as build_network

TWICE = set(NORMALISED_TWICE)


def norms(network: nn.Module) -> dict[str, nn.BatchNorm2d]:
    return {
        path: part for path, part in network.named_modules() if isinstance(part, nn.BatchNorm2d)
    }


def counts(network: nn.Module) -> dict[str, int]:
    return {
        path: int(norm.num_batches_tracked)
        for path, norm in norms(network).items()
        if norm.num_batches_tracked is not None
    }


def test_the_statistics_of_three_norms_move_twice_and_nothing_else_changes() -> None:
    once = build_network("wrn_16_2", num_classes=7)
    twice = deepcopy(once)
    follow_mdistiller(twice)
    images = torch.randn(8, 3, 32, 32)
    outputs = [network.train()(images) for network in (once, twice)]
    assert torch.equal(*outputs)
    for output in outputs:
        output.logsumexp(dim=1).sum().backward()
    for one, other in zip(once.parameters(), twice.parameters(), strict=True):
        assert one.grad is not None
        assert other.grad is not None
        assert torch.equal(one.grad, other.grad)

    assert counts(twice) == {path: 2 if path in TWICE else 1 for path in norms(once)}
    for path, norm in norms(twice).items():
        before = norms(once)[path]
        assert isinstance(before.running_mean, Tensor)
        assert isinstance(norm.running_mean, Tensor)
        # From 0 one update comes to m times the batch's mean, two to 1 - (1 - m)**2 times it.
        gain = (1 - (1 - 0.1) ** 2) / 0.1 if path in TWICE else 1.0
        torch.testing.assert_close(norm.running_mean, gain * before.running_mean)


def test_a_second_call_of_the_norm_as_the_official_forward_makes_it_comes_to_the_same() -> None:
    network = build_network("wrn_16_1", num_classes=7).train()
    official = deepcopy(network)
    follow_mdistiller(network)
    images = torch.randn(4, 3, 32, 32)
    network(images)

    features = official.get_submodule("conv1")(images)
    for stage in ("block1", "block2", "block3"):
        features = official.get_submodule(stage)(features)
        after = {"block1": "block2.layer.0.bn1", "block2": "block3.layer.0.bn1", "block3": "bn1"}
        official.get_submodule(after[stage])(features)
    official.get_submodule("bn1")(features)
    for name, buffer in network.named_buffers():
        torch.testing.assert_close(buffer, official.get_buffer(name))


def test_evaluation_moves_no_statistics() -> None:
    network = build_network("wrn_16_1", num_classes=7).eval()
    follow_mdistiller(network)
    network(torch.randn(4, 3, 32, 32))
    assert set(counts(network).values()) == {0}


def test_a_network_that_is_no_wide_resnet_is_left_alone() -> None:
    network = build_network("resnet8", num_classes=7)
    follow_mdistiller(network)
    assert not any(part._forward_hooks for part in network.modules())


@pytest.mark.parametrize(("fidelity", "updates"), [("paper", 1), ("mdistiller", 2)])
def test_a_run_and_a_distiller_do_so_where_asked_and_to_the_student_alone(
    config: RunConfig, fidelity: str, updates: int
) -> None:
    settings = ["student.name=wrn_16_1", "method.name=ce", f"method.fidelity={fidelity}"]
    built = build(override(config, settings), Fabric(accelerator="cpu", devices=1))
    built.network.train()(torch.randn(4, 1, 12, 12))
    assert counts(built.network)["bn1"] == updates

    student, teacher = (build_network("wrn_16_1", num_classes=7) for _ in range(2))
    distiller = Distiller(student, teacher, "kd", fidelity=fidelity).train()
    distiller(torch.randn(4, 3, 32, 32), torch.tensor([0, 1, 2, 3]))
    assert counts(student)["block3.layer.0.bn1"] == updates
    assert set(counts(teacher).values()) == {0}
