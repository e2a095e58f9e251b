"""A method of one's own in one file: KD with the teacher's and the student's roles exchanged.

Use it: tutelage distill --import examples/own_method.py method.name=reverse-kd
"""

from dataclasses import dataclass

from torch.nn import functional as F

from tutelage.methods import Method
from tutelage.types import Batch, Output, Progress, Terms


class ReverseKD(Method, name="reverse-kd"):
    """Minimise KL(student || teacher): seek the teacher's modes (Gu et al., arXiv:2306.08543)."""

    @dataclass(frozen=True, kw_only=True, slots=True)
    class Config(Method.Config):
        """Weights chosen for this example, by nobody's paper."""

        reverse_weight: float = 1.0
        temperature: float = 2.0

    config: Config

    def terms(self, student: Output, teacher: Output, batch: Batch, progress: Progress) -> Terms:
        """Return ``ce`` and ``reverse``."""
        config = self.config
        log_p, log_q = (
            F.log_softmax(output.logits / config.temperature, dim=1)
            for output in (teacher, student)
        )
        reverse = config.temperature**2 * F.kl_div(
            log_p, log_q, reduction="batchmean", log_target=True
        )
        return {
            "ce": config.ce_weight * F.cross_entropy(student.logits, batch.target),
            "reverse": config.reverse_weight * reverse,
        }
