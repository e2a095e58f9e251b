"""CE: labels alone, no teacher; what every distilled student is measured against."""

from torch.nn import functional as F

from tutelage.methods._method import Method
from tutelage.types import Batch, Output, Progress, Terms


class CE(Method, name="ce"):
    """Cross-entropy with the labels, nothing else."""

    needs_teacher = False

    def terms(self, student: Output, teacher: Output, batch: Batch, progress: Progress) -> Terms:
        """Return ``ce``."""
        return {"ce": self.config.ce_weight * F.cross_entropy(student.logits, batch.target)}
