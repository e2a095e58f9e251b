"""A method of one's own in one file: KD with the teacher's and the student's roles exchanged.

Use it: tutelage distill --import examples/own_method.py method.name=reverse-kd
"""

from dataclasses import dataclass

from torch import Tensor
from torch.nn import functional as F

from tutelage.methods import LogitMethod
from tutelage.types import Batch, Progress, Terms


class ReverseKD(LogitMethod, name="reverse-kd"):
    """Minimise KL(student || teacher): seek the teacher's modes (Gu et al., arXiv:2306.08543)."""

    @dataclass(frozen=True, kw_only=True, slots=True)
    class Config(LogitMethod.Config):
        """Weights chosen for this example, by nobody's paper."""

        reverse_weight: float = 1.0
        temperature: float = 2.0

    config: Config

    def compare(
        self, student_logits: Tensor, teacher_logits: Tensor, batch: Batch, progress: Progress
    ) -> Terms:
        """Return ``reverse``."""
        config = self.config
        log_p, log_q = (
            F.log_softmax(logits / config.temperature, dim=1)
            for logits in (teacher_logits, student_logits)
        )
        reverse = config.temperature**2 * F.kl_div(
            log_p, log_q, reduction="batchmean", log_target=True
        )
        return {"reverse": config.reverse_weight * reverse}
