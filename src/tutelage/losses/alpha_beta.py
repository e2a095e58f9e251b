"""The alpha-beta divergence: forward KL, reverse KL and all that lies between and around them."""

from torch import Tensor

from tutelage.losses._checks import check_finite, check_pair, check_reduction, check_temperature
from tutelage.losses._forms import Reduction, reduce, soften_pair


def alpha_beta_loss(
    student_logits: Tensor,
    teacher_logits: Tensor,
    *,
    alpha: float,
    beta: float,
    temperature: float = 1.0,
    reduction: Reduction = "mean",
    class_dim: int = 1,
) -> Tensor:
    """Return the alpha-beta divergence of the student's softened classes q from the teacher's p.

    ``-1 / (a b) * sum(p^a q^b - a / (a + b) * p^(a + b) - b / (a + b) * q^(a + b))``, the loss of
    ABKD (Wang et al., ICML 2025, arXiv:2505.04560), and its limit where a, b or their sum is 0:
    KL(p || q) at (1, 0), KL(q || p) at (0, 1), half the squared distance of the log
    probabilities at (0, 0). It is *not* multiplied by temperature^2.

    >>> import torch
    >>> student, teacher = torch.tensor([[2.0, 1.0, 0.0]]), torch.tensor([[3.0, 0.0, 1.0]])
    >>> alpha_beta_loss(student, teacher, alpha=1.0, beta=0.0)  # kd_loss at temperature 1
    tensor(0.1537)

    Args:
        student_logits: ``[N, C]``, ``[N, C, ...]`` or any shape with classes along `class_dim`.
        teacher_logits: the same shape. They are constants: no gradient flows to the teacher.
        alpha: the power of the teacher's probabilities; of two tiny numbers that are not 0 the
            divergence loses digits.
        beta: the power of the student's.
        temperature: divides the logits.
        reduction: mean over the positions, sum over them, or none: one value each.
        class_dim: where the classes lie.

    Returns:
        A scalar, or with ``reduction="none"`` the logits' shape without the class dimension, in
        float32 (float64 if a logit tensor is float64).

    Raises:
        ShapeError: the tensors do not fit each other.
        DtypeError: wrong number types or devices.
        RangeError: temperature <= 0, or alpha or beta is not finite.
        ConfigError: an unknown reduction.
    """
    check_pair(student_logits, teacher_logits, class_dim)
    check_finite(alpha=alpha, beta=beta)
    check_temperature(temperature)
    check_reduction(reduction)
    student, teacher = soften_pair(student_logits, teacher_logits, temperature, class_dim)
    divergence = _divergence(teacher.log_softmax(-1), student.log_softmax(-1), alpha, beta)
    return reduce(divergence, None, reduction)


def _divergence(log_p: Tensor, log_q: Tensor, alpha: float, beta: float) -> Tensor:
    """Return D(p || q) ``[...]``, a sum over classes of differences that have all the limits.

    With ``B(x, s) = (x^s - 1) / s``, which is log x at s = 0, the divergence is the sum of
    ``B(q, a + b) - B(p, a + b) - p^a * (B(q, b) - B(p, b))`` over a.
    """
    if abs(alpha) < abs(beta):  # D(a, b) of p and q is D(b, a) of q and p; divide by the greater
        return _divergence(log_q, log_p, beta, alpha)
    if alpha == 0:
        return (log_q - log_p).square().sum(-1) / 2
    whole = _box_cox(log_q, alpha + beta) - _box_cox(log_p, alpha + beta)
    part = (alpha * log_p).exp() * (_box_cox(log_q, beta) - _box_cox(log_p, beta))
    return (whole - part).sum(-1) / alpha


def _box_cox(log_x: Tensor, power: float) -> Tensor:
    """Return ``(x^power - 1) / power``, log x at 0: the transformation of Box and Cox (1964)."""
    return (power * log_x).expm1() / power if power else log_x
