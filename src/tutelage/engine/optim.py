"""The optimisers by name."""

from collections.abc import Iterable

import torch
from torch import nn

from tutelage.config import OptimizerConfig


def make_optimizer(
    config: OptimizerConfig, parameters: Iterable[nn.Parameter]
) -> torch.optim.Optimizer:
    """Return the optimiser of these parameters; weight decay acts on all of them."""
    trained = [parameter for parameter in parameters if parameter.requires_grad]
    if config.name == "adamw":
        return torch.optim.AdamW(
            trained,
            lr=config.lr,
            betas=config.betas,
            eps=config.eps,
            weight_decay=config.weight_decay,
        )
    return torch.optim.SGD(
        trained,
        lr=config.lr,
        momentum=config.momentum,
        nesterov=config.nesterov,
        weight_decay=config.weight_decay,
    )
