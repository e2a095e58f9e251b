"""What the labels themselves ask for."""

from torch import Tensor
from torch.nn import functional as F

from tutelage.losses.multilabel import labels_of, multilabel_loss
from tutelage.types import UNLABELLED, Batch


def label_loss(logits: Tensor, batch: Batch, *, smoothing: float = 0.0) -> Tensor:
    """Return the cross-entropy with the labels of a batch, in nats, a mean over the pictures.

    Shapes: `logits` ``[B, C]``, or ``[views * B, C]`` where the batch holds several views, which
    share their labels. The two labels of a mixed picture weigh by their shares (mixup: Zhang et
    al., 2018, arXiv:1710.09412, section 2). `smoothing` spreads that part of every label evenly
    over all classes (Szegedy et al., 2016, arXiv:1512.00567, section 7).

    Of several labels a picture (a float target) it is the binary cross-entropy, a sum over the
    classes as in `multilabel_kd_loss`; of pixels the mean over those that have a class.
    """
    views = len(logits) // max(len(batch.target), 1)
    if batch.target.is_floating_point():
        return multilabel_loss(logits, labels_of(batch).repeat(views, 1), smoothing=smoothing)
    if batch.target.ndim > 1:
        target = batch.target.repeat(views, 1, 1)
        summed = F.cross_entropy(logits, target, label_smoothing=smoothing, reduction="sum")
        return summed / (target != UNLABELLED).sum().clamp(min=1)
    if batch.second is None or batch.share is None:
        return F.cross_entropy(logits, batch.target.repeat(views), label_smoothing=smoothing)
    first, second = (
        F.cross_entropy(logits, label.repeat(views), label_smoothing=smoothing, reduction="none")
        for label in (batch.target, batch.second)
    )  # [views * B] each
    share = batch.share.repeat(views).to(logits.dtype)
    return (share * first + (1 - share) * second).mean()
