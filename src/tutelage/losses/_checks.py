"""What callers can get wrong with logits and numbers, told before torch stumbles over it.

Shapes, number types and devices are looked at always. The values of a tensor are looked at on the
CPU only, and not in compiled code: on a GPU a look would make every step wait for the device.
"""

import math
from numbers import Real

import torch
from torch import Tensor

from tutelage.errors import ConfigError, DtypeError, RangeError, ShapeError, did_you_mean


def check_pair(student_logits: Tensor, teacher_logits: Tensor, class_dim: int) -> None:
    """Refuse logits that do not fit each other, or have no classes along `class_dim`."""
    check_logits("student_logits", student_logits, class_dim)
    check_logits("teacher_logits", teacher_logits, class_dim)
    if student_logits.shape != teacher_logits.shape:
        raise ShapeError(
            f"student and teacher must score the same classes of the same samples: student_logits "
            f"is {tuple(student_logits.shape)}, teacher_logits is {tuple(teacher_logits.shape)}. "
            f"Build both with one `num_classes` and feed both one batch."
        )
    check_device("teacher_logits", teacher_logits, student_logits)


def check_logits(name: str, logits: Tensor, class_dim: int) -> None:
    """Refuse logits that are no floating tensor, or have no classes along `class_dim`."""
    if not logits.is_floating_point():
        raise DtypeError(
            f"{name} must be floating point: it is {logits.dtype}. Pass the network's raw outputs."
        )
    if not -logits.dim() <= class_dim < logits.dim() or logits.shape[class_dim] == 0:
        raise ShapeError(
            f"{name} must have classes along dimension {class_dim}: its shape is "
            f"{tuple(logits.shape)}. Name the dimension of the classes in `class_dim`."
        )


def check_device(name: str, tensor: Tensor, student_logits: Tensor) -> None:
    """Refuse a tensor that lies elsewhere than the logits."""
    if tensor.device != student_logits.device:
        raise DtypeError(
            f"{name} must lie on the device of the logits, {student_logits.device}: it is on "
            f"{tensor.device}. Move it there with `.to(...)`."
        )


def check_finite(**numbers: float) -> None:
    """Refuse what is no finite real number."""
    for name, number in numbers.items():
        if not isinstance(number, Real):
            raise DtypeError(f"{name} must be a number: it is {number!r}. Pass an int or a float.")
        if not -math.inf < number < math.inf:  # unlike isfinite, fit for torch.compile
            raise RangeError(f"{name} must be finite: it is {number}. Pass an ordinary number.")


def check_temperature(temperature: float) -> None:
    """Refuse a temperature that is not finite and above 0."""
    check_finite(temperature=temperature)
    if temperature <= 0:
        raise RangeError(
            f"temperature must be above 0: it is {temperature}. Values from 1 to 20 are usual."
        )


def check_reduction(reduction: str) -> None:
    """Refuse an unknown reduction."""
    choices = ("none", "mean", "sum")
    if reduction not in choices:
        raise ConfigError(
            f"reduction must be one of none, mean and sum: it is {reduction!r}. Pick one."
            f"{did_you_mean(reduction, choices)}"
        )


def may_look(tensor: Tensor) -> bool:
    """Tell whether the values of `tensor` can be looked at without a wait or a graph break."""
    return tensor.device.type == "cpu" and not torch.compiler.is_compiling()
