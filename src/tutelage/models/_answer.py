"""What a network's output is as the logits of a task."""

from collections.abc import Mapping

from torch import Tensor
from torch.nn import functional as F

from tutelage.errors import ModelError, ShapeError
from tutelage.types import Task

_WANTED = {
    "classes": "[B, C], one row of class scores a picture",
    "labels": "[B, C], one score a picture for each label",
    "pixels": "[B, C, height, width], class scores for each pixel",
}
_MEND = {
    "classes": "Pool and flatten before the classifier.",
    "labels": "Pool and flatten before the classifier.",
    "pixels": "Give a segmentation network, such as torchvision/lraspp_mobilenet_v3_large.",
}


def logits_of(output: object, images: Tensor, task: Task, *, who: str) -> Tensor:
    """Return the logits in what the network `who` made of pictures.

    Shapes: `images` ``[B, channels, height, width]``; the logits ``[B, C]``, of pixels ``[B, C,
    height, width]``. Maps of pixels that are smaller than the pictures are brought to their size,
    bilinearly, and autocast ends before that: logits are float32 or wider. Of the mapping that
    torchvision's segmentation networks return, the entry ``out`` is taken.

    Raises:
        ModelError: the output is not one tensor.
        ShapeError: it is not of the task's shape.
    """
    logits = unwrapped(output)
    if not isinstance(logits, Tensor):
        raise ModelError(
            f"a network must return its logits alone: {who} returned {type(output).__name__}. "
            f"Wrap it in a module that returns only the logits."
        )
    if logits.ndim != (4 if task == "pixels" else 2) or len(logits) != len(images):
        raise ShapeError(
            f"logits must be {_WANTED[task]}: {who} made {tuple(logits.shape)} of images "
            f"{tuple(images.shape)}. {_MEND[task]}"
        )
    logits = logits if logits.element_size() > 4 else logits.float()
    if task == "pixels" and logits.shape[2:] != images.shape[2:]:
        return F.interpolate(logits, images.shape[2:], mode="bilinear")
    return logits


def unwrapped(output: object) -> object:
    """Return the entry ``out`` of a mapping that has one, else the output itself."""
    return output["out"] if isinstance(output, Mapping) and "out" in output else output
