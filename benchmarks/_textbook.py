"""What a script in this field has: losses as papers write them down, by masks and logarithms.

Kept to be measured against, not to be used: the masks take memory, ``log(softmax)`` loses digits.
"""

import torch
from torch import Tensor
from torch.nn import functional as F

HIDDEN = 1000.0  # taken off the target's logit, so that the other classes share all probability


def textbook_dkd(
    student_logits: Tensor,
    teacher_logits: Tensor,
    target: Tensor,
    alpha: float,
    beta: float,
    temperature: float,
) -> Tensor:
    """Return alpha * TCKD + beta * NCKD (Zhao et al., 2022, arXiv:2203.08679), a batch mean.

    Shapes: both logits ``[B, C]``, `target` ``[B]`` class indices.
    """
    is_target = F.one_hot(target, student_logits.shape[1]).bool()
    student = F.softmax(student_logits / temperature, dim=1)
    teacher = F.softmax(teacher_logits / temperature, dim=1)
    pairs = [
        torch.cat([(p * is_target).sum(1, keepdim=True), (p * ~is_target).sum(1, keepdim=True)], 1)
        for p in (student, teacher)
    ]
    tckd = F.kl_div(torch.log(pairs[0]), pairs[1], reduction="batchmean")
    others = [
        logits / temperature - HIDDEN * is_target for logits in (student_logits, teacher_logits)
    ]
    nckd = F.kl_div(
        F.log_softmax(others[0], dim=1), F.softmax(others[1], dim=1), reduction="batchmean"
    )
    return temperature**2 * (alpha * tckd + beta * nckd)
