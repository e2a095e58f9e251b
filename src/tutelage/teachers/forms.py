"""How the answers of a teacher lie on disk: a record of fixed size a picture, and logits again.

A form is a codec: `Form.pack` makes records of logits ``[B, ...]``, `Form.unpack` dense float32
logits of the same shape, which any method takes as if the teacher had just said them. What is kept
is told by the name: ``fp32``, ``fp16``, ``int8``, ``top16``, ``draws32`` (with any number).

The last two keep the target class apart from the rest, as DKD does. With logits z, temperature T
and ``L = logsumexp over the rest of z / T``, TCKD is a function of ``z_t / T - L`` alone, and both
numbers are kept; so TCKD is exact at that temperature, whatever is lost of the rest.
"""

import math
import re
from abc import ABC, abstractmethod
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from tutelage.data import uniforms
from tutelage.errors import ConfigError, TeacherError, did_you_mean
from tutelage.types import Batch

Records = NDArray[Any]
"""Records of a picture each, of a form's own structured dtype: ``[B]``."""

STREAM = 1 << 33  # of draws: far from those of the views and of mixing


class Form(ABC):
    """One way to keep the answers of a teacher.

    Args:
        shape: of the logits of one picture: ``(C,)``, or of pixels ``(C, height, width)``.
        count: classes kept of a picture, where `parts`.
        temperature: of the method, likewise.
        seed: of what is drawn.

    Raises:
        ConfigError: the form cannot hold logits of this shape.
    """

    parts: ClassVar[bool] = False  # keeps the target apart, and is made for one temperature
    sparse: ClassVar[bool] = False  # comes back with logits of which some are -inf

    def __init__(
        self, shape: tuple[int, ...], count: int = 0, temperature: float = 1.0, seed: int = 0
    ) -> None:
        self.shape, self.count, self.temperature, self.seed = shape, count, temperature, seed
        self.dtype = np.dtype(self._fields())

    def pack(self, logits: Tensor, batch: Batch) -> Records:
        """Return the records of logits ``[B, *shape]``, all finite, for a batch on the CPU.

        Raises:
            TeacherError: a logit is not finite, or larger than the form can say.
        """
        if not logits.isfinite().all():
            raise TeacherError(
                "a teacher's logits must be finite to be kept, and some are not: look at its "
                "weights, or ask it in train.precision=32-true."
            )
        records = np.empty(len(logits), self.dtype)
        self._pack(records, logits, batch)
        return records

    @abstractmethod
    def _fields(self) -> list[tuple[Any, ...]]:
        """Return the fields of a record, as numpy has them."""

    @abstractmethod
    def _pack(self, records: Records, logits: Tensor, batch: Batch) -> None:
        """Fill the records."""

    @abstractmethod
    def unpack(self, records: Records, batch: Batch) -> Tensor:
        """Return logits float32 ``[B, *shape]`` of records, for the batch they were packed for."""


class Float32(Form):
    """The logits themselves."""

    number: ClassVar[str] = "<f4"

    def _fields(self) -> list[tuple[Any, ...]]:
        return [("logits", self.number, self.shape)]

    def _pack(self, records: Records, logits: Tensor, batch: Batch) -> None:
        # Nothing is taken off to make room: a sigmoid, unlike a softmax, sees a constant.
        largest, most = float(logits.abs().max()), float(np.finfo(self.number).max)
        if largest > most:
            raise TeacherError(
                f"this form holds logits up to {most:g}, and the teacher's reach {largest:g}: "
                f"take teacher.form=fp32 or int8."
            )
        records["logits"] = logits.numpy()

    def unpack(self, records: Records, batch: Batch) -> Tensor:
        """Return what was kept."""
        return torch.from_numpy(records["logits"].astype(np.float32))


class Float16(Float32):
    """The logits, rounded to half precision."""

    number = "<f2"


class Int8(Form):
    """A byte a logit: 255 even steps from the smallest of a picture to its largest."""

    def _fields(self) -> list[tuple[Any, ...]]:
        return [("low", "<f4"), ("step", "<f4"), ("codes", "u1", self.shape)]

    def _pack(self, records: Records, logits: Tensor, batch: Batch) -> None:
        flat = logits.double().flatten(1)  # [B, C]
        low, high = flat.aminmax(dim=1, keepdim=True)
        step = (high - low) / 255
        codes = ((flat - low) / step.where(step > 0, 1)).round()
        records["low"], records["step"] = low[:, 0].numpy(), step[:, 0].numpy()
        records["codes"] = codes.byte().view_as(logits).numpy()

    def unpack(self, records: Records, batch: Batch) -> Tensor:
        """Return the steps; none is further off than half a step."""
        codes = torch.from_numpy(records["codes"].astype(np.float32))
        low, step = (
            torch.from_numpy(records[name].copy()).view(-1, *[1] * len(self.shape))
            for name in ("low", "step")
        )
        return codes.mul_(step).add_(low)


class _Parted(Form):
    """The target's logit, the logsumexp of the rest, and `count` classes of it."""

    parts = True

    def _fields(self) -> list[tuple[Any, ...]]:
        if len(self.shape) != 1:
            raise ConfigError(
                f"forms top<k> and draws<k> keep one target a picture, and these logits have the "
                f"shape {self.shape}: take teacher.form=fp32, fp16 or int8."
            )
        classes = np.min_scalar_type(self.shape[0] - 1).newbyteorder("<")
        return [("target", "<f4"), ("rest", "<f4"), ("classes", classes, (self.count,))]

    def _pack(self, records: Records, logits: Tensor, batch: Batch) -> None:
        target = batch.target[:, None]
        scaled = logits.double() / self.temperature
        shares = scaled.scatter(1, target, -math.inf)  # [B, C]
        rest = shares.logsumexp(1)
        records["target"] = logits.gather(1, target)[:, 0].numpy()
        records["rest"] = rest.numpy()
        self._pack_rest(records, shares - rest[:, None], batch)

    @abstractmethod
    def _pack_rest(self, records: Records, shares: Tensor, batch: Batch) -> None:
        """Fill in what is kept of the log shares ``[B, C]`` in the rest; the target's is -inf."""

    def unpack(self, records: Records, batch: Batch) -> Tensor:
        """Return logits whose p_t at the temperature is the teacher's own."""
        classes = torch.from_numpy(records["classes"].astype(np.int64))
        shares = self._unpack_rest(records, classes)  # [B, C]
        logits = shares.add_(_float(records["rest"])).mul_(self.temperature)
        return logits.scatter_(1, batch.target[:, None], _float(records["target"]))

    @abstractmethod
    def _unpack_rest(self, records: Records, classes: Tensor) -> Tensor:
        """Return log shares ``[B, C]`` in the rest, which sum to 1 without the target's."""


class Top(_Parted):
    """The `count` likeliest classes beside the target; the others share evenly what is left.

    Log shares take 2 bytes each, so the rest is a little off; its sum and the target are not.
    """

    def _fields(self) -> list[tuple[Any, ...]]:
        fields = super()._fields()
        if not 1 <= self.count <= self.shape[0] - 2:
            raise ConfigError(
                f"form top{self.count} wants a count of 1 to {self.shape[0] - 2}, so that a class "
                f"is left beside the target and those kept of {self.shape[0]}: take a smaller "
                f"number, or teacher.form=fp16."
            )
        return [*fields, ("shares", "<f2", (self.count,)), ("left", "<f2")]

    def _pack_rest(self, records: Records, shares: Tensor, batch: Batch) -> None:
        top, classes = shares.topk(self.count, 1)
        left = shares.scatter(1, batch.target[:, None], -math.inf)
        left = left.scatter(1, classes, -math.inf).logsumexp(1)
        least = float(np.finfo("<f2").min)
        records["classes"] = classes.numpy()
        records["shares"] = top.clamp(min=least).numpy()
        records["left"] = left.clamp(min=least).numpy()

    def _unpack_rest(self, records: Records, classes: Tensor) -> Tensor:
        top, left = _float(records["shares"]), _float(records["left"])
        whole = torch.cat([top, left], 1).logsumexp(1, keepdim=True)  # 0, but for the rounding
        others = self.shape[0] - 1 - self.count
        dense = (left - whole - math.log(others)).expand(-1, self.shape[0]).clone()
        return dense.scatter_(1, classes, top - whole)


class Draws(_Parted):
    """Classes drawn by their shares in the rest: what comes back is right on average.

    The draws lie at even distances from one random start (systematic sampling), so that class i
    comes ``floor`` or ``ceil`` of ``count * share_i`` times, its mean exactly that. Of KD and DKD,
    linear in the shares, the mean of the gradient is then the exact one. It scatters far less than
    with independent draws. What was not drawn comes back as -inf.
    """

    sparse = True

    def _pack_rest(self, records: Records, shares: Tensor, batch: Batch) -> None:
        start = uniforms(self.seed, batch.view, batch.index, 1, STREAM)  # [B, 1]
        places = (torch.arange(self.count) + start) / self.count
        sums = shares.exp().cumsum(1)
        sums = sums / sums[:, -1:]
        # Just below 1, where the sums end: a class without a share is never drawn.
        places = places.clamp(max=1 - 2**-53)
        records["classes"] = torch.searchsorted(sums, places, right=True).numpy()

    def _unpack_rest(self, records: Records, classes: Tensor) -> Tensor:
        counts = torch.zeros(len(records), self.shape[0])
        counts.scatter_add_(1, classes, torch.ones_like(classes, dtype=torch.float32))
        return counts.div_(self.count).log_()


FORMS: dict[str, type[Form]] = {
    "fp32": Float32,
    "fp16": Float16,
    "int8": Int8,
    "top": Top,
    "draws": Draws,
}
"""The forms by name; to that of one that `parts` belongs a count, as in ``top16``."""


def kind_of(name: str) -> type[Form]:
    """Return the class of a form.

    Raises:
        ConfigError: there is no form of this name.

    >>> kind_of("top16").parts, kind_of("draws8").sparse, kind_of("fp16").parts
    (True, True, False)
    """
    return _parsed(name)[0]


def make_form(
    name: str, shape: tuple[int, ...], *, temperature: float = 1.0, seed: int = 0
) -> Form:
    """Return a form by its name; see `Form`.

    Raises:
        ConfigError: there is no form of this name, or it cannot hold logits of this shape.

    >>> [make_form(name, (100,)).dtype.itemsize for name in ("fp32", "int8", "top16", "draws16")]
    [400, 108, 58, 24]
    """
    kind, count = _parsed(name)
    return kind(shape, count, temperature, seed)


def _parsed(name: str) -> tuple[type[Form], int]:
    if counted := re.fullmatch(r"(top|draws)([1-9]\d*)", name):
        return FORMS[counted[1]], int(counted[2])
    if name not in FORMS or FORMS[name].parts:
        raise ConfigError(
            f"teacher.form is one of fp32, fp16, int8, top<k> and draws<k>, such as top16 or "
            f"draws32; it is {name!r}.{did_you_mean(name, ['fp32', 'fp16', 'int8', 'top16'])}"
        )
    return FORMS[name], 0


def _float(column: Records) -> Tensor:
    """Return a column of numbers, float32 and of two axes."""
    return torch.from_numpy(column.astype(np.float32).reshape(len(column), -1))
