"""The optimisers by name."""

from collections.abc import Iterable

import torch
from lightning_fabric import Fabric
from lightning_fabric.strategies.ddp import DDPStrategy
from lightning_fabric.strategies.single_device import SingleDeviceStrategy
from torch import nn

from tutelage.config import OptimizerConfig
from tutelage.engine.split_momentum import SIGNS, SplitMomentum
from tutelage.errors import ConfigError
from tutelage.methods import Method


def demand_split(name: str, kind: type[Method], fabric: Fabric) -> None:
    """Refuse an optimiser that keeps loss terms apart where it cannot.

    Raises:
        ConfigError: the method has but the labels' term, or the strategy shards the parameters.
    """
    if name not in SIGNS:
        return
    if kind.kind == "labels":
        raise ConfigError(
            f"optimizer.name={name} keeps a momentum for each kind of loss term, and method "
            f"{kind.name} has the labels' alone; set optimizer.name=sgd."
        )
    if not isinstance(fabric.strategy, SingleDeviceStrategy | DDPStrategy):
        raise ConfigError(
            f"optimizer.name={name} takes several backward passes a step, which works on one "
            f"device and with fabric.strategy=ddp; the strategy is "
            f"{type(fabric.strategy).__name__}."
        )


def make_optimizer(
    config: OptimizerConfig, parameters: Iterable[nn.Parameter], *, scaled: bool
) -> torch.optim.Optimizer:
    """Return the optimiser of these parameters; weight decay acts on all of them.

    It moves all of them in one kernel where there is one for their device. `scaled` says that a
    gradient scaler is at work: Fabric clips no gradient that an optimiser would unscale itself, as
    such kernels do.
    """
    trained = [parameter for parameter in parameters if parameter.requires_grad]
    kernels = {parameter.device.type for parameter in trained} <= {"cpu", "cuda"}
    fused = True if kernels and not scaled else None  # else as torch finds best
    if config.name in SIGNS:
        return SplitMomentum(
            trained,
            SIGNS[config.name],
            lr=config.lr,
            momentum=config.momentum,
            delta=config.delta,
            weight_decay=config.weight_decay,
        )
    if config.name == "adamw":
        return torch.optim.AdamW(
            trained,
            lr=config.lr,
            betas=config.betas,
            eps=config.eps,
            weight_decay=config.weight_decay,
            fused=fused,
        )
    return torch.optim.SGD(
        trained,
        lr=config.lr,
        momentum=config.momentum,
        nesterov=config.nesterov,
        weight_decay=config.weight_decay,
        fused=fused,
    )
