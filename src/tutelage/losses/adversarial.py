"""KD at a temperature that is learned against the student."""

from torch import Tensor

from tutelage.losses._checks import check_finite, check_pair
from tutelage.losses._forms import soften_pair
from tutelage.losses.partition import chain_rule


def adversarial_kd(
    student_logits: Tensor, teacher_logits: Tensor, temperature: Tensor, *, strength: float = 1.0
) -> Tensor:
    """Return the KD loss, whose gradient makes it harder through the temperature.

    The value is `kd_loss` at that temperature. The student's gradient is that of the loss; the
    temperature's is reversed and times `strength`, so that one optimiser lets the student descend
    and the temperature ascend: Curriculum Temperature for Knowledge Distillation (Li et al.,
    AAAI 2023, arXiv:2211.16231), by the gradient reversal of Ganin and Lempitsky (2015,
    arXiv:1409.7495). The temperature softens both networks and scales the loss by its square, and
    its gradient goes through all three.

    Args:
        student_logits: ``[B, C]``.
        teacher_logits: ``[B, C]``. They are constants: no gradient flows to the teacher.
        temperature: ``[]``, above 0; not checked, since it may lie on a GPU.
        strength: of the reversal; at 0 the temperature stays.

    Raises:
        ShapeError: the tensors do not fit each other.
        DtypeError: wrong number types or devices.
        RangeError: strength is not finite.
    """
    check_pair(student_logits, teacher_logits, 1)
    check_finite(strength=strength)
    student, teacher = soften_pair(student_logits, teacher_logits, 1.0, class_dim=1)
    opposed = temperature.detach() - strength * (temperature - temperature.detach())
    return (opposed**2 * chain_rule(student / opposed, teacher / opposed, []).total).mean()
