"""Losses: pure functions from logits to scalars, exact in log space, finite at any scale.

`dkd_loss`, `decoupled_kd` and `kd_loss` for any training loop; beneath them `partition_kl`, the
KL divergence split over a partition of the classes, of which each of the three is a case.
"""

from tutelage.losses._forms import Reduction
from tutelage.losses._targets import Target
from tutelage.losses.adversarial import adversarial_kd
from tutelage.losses.correlation import correlation_loss
from tutelage.losses.dkd import (
    TwoClassesWarning,
    decoupled_kd,
    dkd_loss,
    target_probability,
)
from tutelage.losses.kd import kd_loss
from tutelage.losses.labels import label_loss
from tutelage.losses.nkd import normalised_kd
from tutelage.losses.partition import PartitionKL, partition_kl
from tutelage.losses.rld import refined_kd
from tutelage.losses.standardise import standardised
from tutelage.losses.ttm import transformed_teacher_loss

__all__ = [
    "PartitionKL",
    "Reduction",
    "Target",
    "TwoClassesWarning",
    "adversarial_kd",
    "correlation_loss",
    "decoupled_kd",
    "dkd_loss",
    "kd_loss",
    "label_loss",
    "normalised_kd",
    "partition_kl",
    "refined_kd",
    "standardised",
    "target_probability",
    "transformed_teacher_loss",
]
