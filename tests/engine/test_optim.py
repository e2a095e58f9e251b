"""The optimisers: the weights they move to are those of torch's plain loops."""

import pytest
import torch
from torch import nn

from tutelage.config import OptimizerConfig
from tutelage.engine.optim import make_optimizer


@pytest.mark.parametrize("name", ["sgd", "adamw"])
@pytest.mark.parametrize("nesterov", [False, True])
def test_in_one_kernel_the_weights_move_as_one_by_one(name: str, nesterov: bool) -> None:
    config = OptimizerConfig(name=name, lr=0.1, nesterov=nesterov)  # type: ignore[arg-type]
    generator = torch.Generator().manual_seed(0)
    first = [torch.randn(shape, generator=generator) for shape in ((40, 30), (7,), (1,))]
    ours, plain = ([nn.Parameter(tensor.clone()) for tensor in first] for _ in range(2))
    kind = torch.optim.SGD if name == "sgd" else torch.optim.AdamW
    keys = ("momentum", "nesterov") if name == "sgd" else ("betas", "eps")
    numbers = {key: getattr(config, key) for key in (*keys, "lr", "weight_decay")}
    optimizers = make_optimizer(config, ours, scaled=False), kind(plain, foreach=False, **numbers)
    assert optimizers[0].defaults["fused"]
    for _ in range(20):
        for one, other in zip(ours, plain, strict=True):
            one.grad = torch.randn(one.shape, generator=generator)
            other.grad = one.grad.clone()
        for optimizer in optimizers:
            optimizer.step()
    for one, other in zip(ours, plain, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-5, atol=1e-6)


def test_under_a_scaler_fabric_may_clip() -> None:
    """Fabric refuses to clip for an optimiser that unscales by itself, and says so by this name."""
    weight = nn.Parameter(torch.ones(2))
    for scaled in (False, True):
        optimizer = make_optimizer(OptimizerConfig(), [weight], scaled=scaled)
        assert getattr(optimizer, "_step_supports_amp_scaling", False) is not scaled
