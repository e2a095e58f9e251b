"""Losses: pure functions from logits to scalars, exact in log space, finite at any scale.

`dkd_loss`, `decoupled_kd` and `kd_loss` for any training loop; beneath them `partition_kl`, the
KL divergence split over a partition of the classes, of which each of the three is a case. The same
with ``multilabel_`` before it is for pictures of several labels, each class a two-way problem.
"""

from tutelage.losses._forms import Reduction
from tutelage.losses._targets import Target
from tutelage.losses.dkd import (
    TwoClassesWarning,
    decoupled_kd,
    dkd_loss,
    target_probability,
)
from tutelage.losses.kd import kd_loss
from tutelage.losses.labels import IGNORED, label_loss
from tutelage.losses.multilabel import (
    labels_of,
    multilabel_decoupled_kd,
    multilabel_dkd_loss,
    multilabel_kd_loss,
)
from tutelage.losses.partition import PartitionKL, partition_kl
from tutelage.losses.standardise import standardised

__all__ = [
    "IGNORED",
    "PartitionKL",
    "Reduction",
    "Target",
    "TwoClassesWarning",
    "decoupled_kd",
    "dkd_loss",
    "kd_loss",
    "label_loss",
    "labels_of",
    "multilabel_decoupled_kd",
    "multilabel_dkd_loss",
    "multilabel_kd_loss",
    "partition_kl",
    "standardised",
    "target_probability",
]
