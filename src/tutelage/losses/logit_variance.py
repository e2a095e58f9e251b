"""How far two networks' logits differ from class to class, each class with a weight."""

from torch import Tensor

from tutelage.errors import ShapeError
from tutelage.losses._checks import check_pair, check_reduction
from tutelage.losses._forms import Reduction, reduce, soften_pair


def logit_variance_loss(
    student_logits: Tensor,
    teacher_logits: Tensor,
    weights: Tensor,
    *,
    reduction: Reduction = "mean",
    class_dim: int = 1,
) -> Tensor:
    """Return half the variance over classes, under `weights`, of teacher minus student logits.

    It is the weighted mean square error of Decoupled Kullback-Leibler Divergence Loss (Cui et al.,
    NeurIPS 2024, arXiv:2305.13948), ``1/4 * sum over j, k of w_j w_k (d_j - d_k)^2`` with the
    differences d of teacher and student and weights of sum 1, in O(C) instead of O(C^2). Under the
    teacher's probabilities at a temperature it is temperature^2 * KL to second order.

    >>> import torch
    >>> student, teacher = torch.zeros(1, 2), torch.tensor([[1.0, 0.0]])
    >>> logit_variance_loss(student, teacher, torch.tensor([[0.5, 0.5]]))
    tensor(0.1250)

    Args:
        student_logits: ``[N, C]``, ``[N, C, ...]`` or any shape with classes along `class_dim`.
        teacher_logits: the same shape. They are constants: no gradient flows to the teacher.
        weights: the same shape, 0 or more, of any sum above 0; constants as well.
        reduction: mean over the positions, sum over them, or none: one value each.
        class_dim: where the classes lie.

    Returns:
        A scalar, or with ``reduction="none"`` the logits' shape without the class dimension.

    Raises:
        ShapeError: the tensors do not fit each other.
        DtypeError: wrong number types or devices.
        ConfigError: an unknown reduction.
    """
    check_pair(student_logits, teacher_logits, class_dim)
    check_reduction(reduction)
    if weights.shape != student_logits.shape:
        raise ShapeError(
            f"weights must have the shape of the logits, {tuple(student_logits.shape)}: it is "
            f"{tuple(weights.shape)}. Give every class of every sample a weight."
        )
    student, teacher = soften_pair(student_logits, teacher_logits, 1.0, class_dim)
    weights = weights.detach().movedim(class_dim, -1).to(student.dtype)
    weights = weights / weights.sum(-1, keepdim=True)
    difference = teacher - student
    centred = difference - (weights * difference).sum(-1, keepdim=True)
    return reduce((weights * centred.square()).sum(-1) / 2, None, reduction)
