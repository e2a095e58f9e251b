"""What the official code does beside its losses, followed where ``fidelity = "mdistiller"``."""

import torch
from torch import Tensor, nn

# mdistiller's wide ResNets (models/cifar/wrn.py), for features before activation, send the output
# of each stage through the BN of the next one a second time, whatever the method.
NORMALISED_TWICE = ("block2.layer.0.bn1", "block3.layer.0.bn1", "bn1")


def follow_mdistiller(network: nn.Module) -> None:
    """Let a wide ResNet's running statistics move twice a training pass at three of its BNs.

    So they come to ``(1 - m)**2`` of what they were instead of ``1 - m``, and `num_batches_tracked`
    counts two. What the network puts out in training is the same, the network itself is not edited,
    and one that has no BNs at all three paths is left alone.
    """
    modules = dict(network.named_modules())
    norms = [modules.get(path) for path in NORMALISED_TWICE]
    if all(isinstance(norm, nn.BatchNorm2d) for norm in norms):
        for norm in norms:
            assert norm is not None
            norm.register_forward_hook(_again)


def _again(norm: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
    if norm.training:
        with torch.no_grad():
            norm.forward(*inputs)  # not a call, which would come here again
