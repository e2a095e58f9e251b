"""How much arithmetic a network is, and how fast the machine at hand can do it."""

import torch
from torch import Tensor, nn

from tutelage.engine.stopwatch import Stopwatch
from tutelage.models import probe
from tutelage.types import Task


def forward_flops(
    network: nn.Module, image_shape: tuple[int, int, int], task: Task = "classes"
) -> float:
    """Return the floating-point operations of one picture's forward pass.

    Those of convolutions and linear layers, a multiplication and an addition being two; what else
    there is takes time, but hardly arithmetic.

    >>> network = nn.Sequential(nn.Conv2d(3, 8, 3), nn.Flatten(), nn.Linear(8 * 4, 10))
    >>> forward_flops(network, (3, 4, 4)) == 2 * (4 * 8 * 3 * 9 + 32 * 10)
    True
    """
    found = [0.0]

    def count(module: nn.Module, inputs: object, output: Tensor) -> None:
        assert isinstance(module.weight, Tensor)
        # Every number put out is a sum over the weights of one output channel.
        found[0] += 2 * output.numel() * module.weight[0].numel() / len(output)

    layers = (part for part in network.modules() if isinstance(part, nn.Conv2d | nn.Linear))
    handles = [layer.register_forward_hook(count) for layer in layers]
    try:
        probe(network, image_shape, task=task)
    finally:
        for handle in handles:
            handle.remove()
    return found[0]


def matmul_flops(device: torch.device, dtype: torch.dtype, size: int = 2048) -> float:
    """Return the floating-point operations a second of a large matrix product, at its best.

    A yardstick, and no ceiling: convolutions of many channels, whose blocks fit the caches better,
    can be quicker.
    """
    stopwatch = Stopwatch(device)
    one, other = (torch.randn(size, size, device=device).to(dtype) for _ in range(2))

    def seconds() -> float:
        started = stopwatch.now()
        torch.mm(one, other)
        return stopwatch.now() - started

    return 2 * size**3 / min(seconds() for _ in range(6))
