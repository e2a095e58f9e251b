"""How likely a teacher's feature is, given a Gaussian around what the student predicts of it."""

from torch import Tensor


def gaussian_nll(predicted: Tensor, feature: Tensor, variance: Tensor) -> Tensor:
    """Return the mean negative log likelihood of every number of a feature map, in nats.

    Variational Information Distillation (Ahn et al., CVPR 2019, arXiv:1904.05835): each number of
    the teacher's map is a Gaussian around the student's prediction, with a variance of its
    channel's own. The constant ``log(2 pi) / 2`` is left out, and where a variance is below 1 the
    result can be negative.

    Shapes: `predicted` and `feature` ``[B, C, H, W]``, `variance` ``[C]``, above 0.

    >>> import torch
    >>> ones, variance = torch.ones(1, 2, 4, 4), torch.tensor([4.0, 1.0])
    >>> gaussian_nll(ones, 3 * ones, variance)  # (4 / 4 + log 4 + 4 / 1 + log 1) / 4
    tensor(1.5966)
    """
    variance = variance[:, None, None]
    return ((predicted - feature) ** 2 / variance + variance.log()).mean() / 2
