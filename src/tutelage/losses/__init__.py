"""Losses: pure functions from logits or features to scalars, finite at any scale.

`dkd_loss`, `decoupled_kd` and `kd_loss` for any training loop; beneath them `partition_kl`, the
KL divergence split over a partition of the classes, of which each of the three is a case. The same
with ``multilabel_`` before it is for pictures of several labels, each class a two-way problem.
"""

from tutelage.losses._compiled import CompilerWarning, computed_by
from tutelage.losses._forms import Reduction
from tutelage.losses._targets import Target
from tutelage.losses.activation_maps import activation_map_distance, class_activation_maps
from tutelage.losses.adversarial import adversarial_kd
from tutelage.losses.alpha_beta import alpha_beta_loss
from tutelage.losses.attention import attention_loss
from tutelage.losses.contrast import Classes, by_class, draw_others, noise_contrast, similarities
from tutelage.losses.correlation import correlation_loss
from tutelage.losses.dkd import (
    TwoClassesWarning,
    decoupled_kd,
    dkd_loss,
    target_probability,
)
from tutelage.losses.gaussian import gaussian_nll
from tutelage.losses.kd import kd_loss
from tutelage.losses.kernel import correlation_congruence_loss, neuron_selectivity_loss
from tutelage.losses.labels import label_loss
from tutelage.losses.levels import Levels, multi_level_loss
from tutelage.losses.linear import linear_dkd_loss, linear_kd_loss
from tutelage.losses.logit_variance import logit_variance_loss
from tutelage.losses.maps import to_common_size
from tutelage.losses.margin import margin_distance, negative_responses
from tutelage.losses.multilabel import (
    labels_of,
    multilabel_decoupled_kd,
    multilabel_dkd_loss,
    multilabel_kd_loss,
)
from tutelage.losses.nkd import normalised_kd
from tutelage.losses.partition import PartitionKL, partition_kl
from tutelage.losses.relation import angle_relation_loss, distance_relation_loss
from tutelage.losses.review import hierarchical_distance
from tutelage.losses.rld import refined_kd
from tutelage.losses.self_labels import self_label_loss
from tutelage.losses.similarity import probability_transfer_loss, similarity_preserving_loss
from tutelage.losses.standardise import standardised
from tutelage.losses.subspace import singular_vector_loss
from tutelage.losses.transport import sinkhorn, transport_loss
from tutelage.losses.ttm import transformed_teacher_loss

__all__ = [
    "Classes",
    "CompilerWarning",
    "Levels",
    "PartitionKL",
    "Reduction",
    "Target",
    "TwoClassesWarning",
    "activation_map_distance",
    "adversarial_kd",
    "alpha_beta_loss",
    "angle_relation_loss",
    "attention_loss",
    "by_class",
    "class_activation_maps",
    "computed_by",
    "correlation_congruence_loss",
    "correlation_loss",
    "decoupled_kd",
    "distance_relation_loss",
    "dkd_loss",
    "draw_others",
    "gaussian_nll",
    "hierarchical_distance",
    "kd_loss",
    "label_loss",
    "labels_of",
    "linear_dkd_loss",
    "linear_kd_loss",
    "logit_variance_loss",
    "margin_distance",
    "multi_level_loss",
    "multilabel_decoupled_kd",
    "multilabel_dkd_loss",
    "multilabel_kd_loss",
    "negative_responses",
    "neuron_selectivity_loss",
    "noise_contrast",
    "normalised_kd",
    "partition_kl",
    "probability_transfer_loss",
    "refined_kd",
    "self_label_loss",
    "similarities",
    "similarity_preserving_loss",
    "singular_vector_loss",
    "sinkhorn",
    "standardised",
    "target_probability",
    "to_common_size",
    "transformed_teacher_loss",
    "transport_loss",
]
