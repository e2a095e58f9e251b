"""Several teachers as one network: the weighed mean of what they say."""

from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor, nn


class Ensemble(nn.Module):
    """Networks of the same classes whose answers are averaged.

    Called with pictures it returns logits ``[B, C]``: the mean of the networks' own, or the log of
    the mean of their probabilities (a mixture, taken in log space), in float32 or wider. Of a
    mixture the KL divergence has, at temperature 1, the same gradient as the weighed sum of the KL
    divergences of its members. Taps look into the first network: `get_submodule` takes its paths.

    Args:
        networks: at least one.
        shares: how much each weighs, 0 or more; they are scaled to sum to 1. Empty is equal.
        mean: what is averaged.

    >>> uniform, sure = (nn.Linear(1, 2, bias=False) for _ in range(2))
    >>> for network, weight in ((uniform, 0.0), (sure, 100.0)):
    ...     network.weight.data = torch.tensor([[weight], [-weight]])
    >>> Ensemble([uniform, sure])(torch.ones(1, 1)).exp()
    tensor([[0.7500, 0.2500]], grad_fn=<ExpBackward0>)
    """

    shares: Tensor

    def __init__(
        self,
        networks: Sequence[nn.Module],
        shares: Sequence[float] = (),
        mean: Literal["probabilities", "logits"] = "probabilities",
    ) -> None:
        super().__init__()
        self.networks, self.mean = nn.ModuleList(networks), mean
        weights = torch.tensor(shares or [1.0] * len(networks), dtype=torch.float64)
        self.register_buffer("shares", weights / weights.sum())

    def forward(self, images: Tensor) -> Tensor:
        """Return the mean's logits ``[B, C]`` for pictures ``[B, channels, height, width]``."""
        logits = torch.stack([network(images) for network in self.networks])  # [K, B, C]
        logits = logits.to(torch.promote_types(logits.dtype, torch.float32))
        shares = self.shares.to(logits.dtype)[:, None, None]
        if self.mean == "logits":
            return (shares * logits).sum(0)
        return (logits.log_softmax(2) + shares.log()).logsumexp(0)

    def get_submodule(self, target: str) -> nn.Module:
        """Return the module at this path of the first network, where the taps are."""
        return self.networks[0].get_submodule(target)
