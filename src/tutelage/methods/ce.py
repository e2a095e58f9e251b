"""CE: labels alone, no teacher; what every distilled student is measured against."""

from tutelage.methods._method import Method
from tutelage.types import Batch, Output, Progress, Terms


class CE(Method, name="ce"):
    """Cross-entropy with the labels, nothing else."""

    kind = "labels"
    needs_teacher = False
    by_row = True
    tasks = ("classes", "labels", "pixels")

    def distill(self, student: Output, teacher: Output, batch: Batch, progress: Progress) -> Terms:
        """Return nothing: there is no teacher."""
        return {}
