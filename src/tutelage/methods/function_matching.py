"""Function matching: a good teacher is patient and consistent (Beyer et al., CVPR 2022)."""

from dataclasses import dataclass

from tutelage.methods.kd import KD
from tutelage.paper import Paper


class FunctionMatching(KD, name="function_matching"):
    """Match the teacher as a function: its probabilities alone, on whatever picture comes.

    KD without labels. The rest of the paper is how to train: both networks see the same view (as
    always here), the views are aggressive crops mixed in pairs, and the schedule is very long.
    """

    paper = Paper(
        title="Knowledge Distillation: A Good Teacher Is Patient and Consistent",
        authors=(
            "Lucas Beyer",
            "Xiaohua Zhai",
            "Amélie Royer",
            "Larisa Markeeva",
            "Rohan Anil",
            "Alexander Kolesnikov",
        ),
        year=2022,
        venue="CVPR",
        arxiv="2106.05237",
    )
    builds_on = ("kd",)  # without labels

    @dataclass(frozen=True, kw_only=True, slots=True)
    class Config(KD.Config):
        """The official code's ImageNet values; on small data sets it tunes the temperature."""

        ce_weight: float = 0.0  # labels are not used
        kd_weight: float = 1.0  # of KL, times temperature^2; there is nothing to weigh it against
        temperature: float = 1.0  # > 0; 1, 2, 5 or 10 by data set and schedule in the official code

    config: Config
