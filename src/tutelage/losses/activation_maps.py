"""Where in a picture a classifier sees each class."""

from torch import Tensor
from torch.nn import functional as F


def class_activation_maps(feature_map: Tensor, weight: Tensor, size: int) -> Tensor:
    """Return how much each place of a picture speaks for each class: ``[B, classes, size, size]``.

    Learning Deep Features for Discriminative Localization (Zhou et al., CVPR 2016,
    arXiv:1512.04150), pooled to `size`: before the classes are weighed, which comes to the same and
    is cheaper. The mean over all places, plus the bias, is the logit, if `size` divides H and W.

    Shapes: `feature_map` ``[B, C, H, W]``, what the classifier gets the mean of; `weight`
    ``[classes, C]``.
    """
    return F.conv2d(F.adaptive_avg_pool2d(feature_map, size), weight[:, :, None, None])


def activation_map_distance(
    student_maps: Tensor, teacher_maps: Tensor, *, normalise: bool = True
) -> Tensor:
    """Return the mean squared distance of class activation maps, each of norm 1 if `normalise`.

    Class Attention Transfer Based Knowledge Distillation (Guo et al., CVPR 2023, arXiv:2304.12777).
    The paper sums over the places of a map and takes the mean over classes; this is the mean over
    both, as in the official code, so that its weights keep their meaning.

    Shapes: both ``[B, classes, H, W]``.
    """
    if normalise:
        student_maps = F.normalize(student_maps.flatten(2), dim=2)
        teacher_maps = F.normalize(teacher_maps.flatten(2), dim=2)
    return F.mse_loss(student_maps, teacher_maps)
