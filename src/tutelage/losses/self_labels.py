"""Soft labels that a network makes for itself, out of what it knows and of how classes rank."""

import torch
from torch import Tensor

from tutelage.losses._checks import check_pair
from tutelage.losses._forms import soften_pair
from tutelage.losses._targets import read_target
from tutelage.losses.partition import split


def self_label_loss(logits: Tensor, weak_logits: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
    """Return the cross-entropies with customised soft labels: at the target, and among the rest.

    The two losses of USKD in From Knowledge Distillation to Self-Knowledge Distillation (Yang et
    al., ICCV 2023, arXiv:2303.13005). The target's label is ``1 + S_t^2 - mean of S_t^2`` over the
    batch, S the network's own probabilities: surer pictures count more. The other classes are
    ranked by the sum of their probabilities among themselves in `logits` and in `weak_logits`, and
    the r-th of them gets a label in proportion to 1 / r, Zipf's law.

    Shapes: `logits` and `weak_logits` ``[B, C]``, `target` ``[B]`` int64 classes. Returns two
    tensors ``[B]`` in nats, in float32 (float64 if a logit tensor is float64); the labels are
    constants, so the gradient flows into `logits` alone.

    Raises:
        ShapeError: the tensors do not fit each other.
        DtypeError: wrong number types or devices.
        RangeError: on the CPU, an unknown label.
    """
    check_pair(logits, weak_logits, 1)
    groups, _ = read_target(target, logits, 1, -100)
    own, weak = soften_pair(logits, weak_logits, 1.0, 1)
    masses, shares = split(own, groups)
    log_known, log_shares = masses[..., 0], shares[-1]  # [B], [B, C] with -inf at the target
    known = log_known.detach().exp().square()
    label = 1 + known - known.mean()
    score = log_shares.detach().exp() + split(weak, groups)[1][-1].exp()
    score = score.masked_fill(log_shares == -float("inf"), -1.0)  # the target comes last
    ranked = score.argsort(-1, descending=True)[..., :-1]  # [B, C-1]
    zipf = 1 / torch.arange(1, ranked.shape[-1] + 1, device=own.device, dtype=own.dtype)
    return -label * log_known, -(log_shares.gather(-1, ranked) * (zipf / zipf.sum())).sum(-1)
