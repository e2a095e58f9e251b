"""Logits standardised row by row, so that any logit loss compares their shape alone."""

from torch import Tensor


def standardised(logits: Tensor, *, class_dim: int = 1) -> Tensor:
    """Return logits with a mean of 0 and a standard deviation of 1 over the classes.

    Eq. 10 of Logit Standardization in Knowledge Distillation (Sun et al., CVPR 2024,
    arXiv:2403.01427), whose base temperature is then the loss's own. Rows of equal logits become
    zeros, with a finite gradient. The scale of the student's logits is left free: re-fit a
    temperature afterwards where probabilities matter.

    >>> import torch
    >>> standardised(torch.tensor([[1.0, 2.0, 3.0]]))
    tensor([[-1.,  0.,  1.]])
    """
    centred = logits - logits.mean(class_dim, keepdim=True)
    degrees = max(logits.shape[class_dim] - 1, 1)
    variance = centred.square().sum(class_dim, keepdim=True) / degrees
    return centred / (variance + 1e-14).sqrt()  # 1e-7, the paper's, as a deviation
