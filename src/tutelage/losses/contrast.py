"""Telling one picture's pair of features from pairs of two pictures, and drawing the latter."""

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

from tutelage.errors import ConfigError


class Classes(NamedTuple):
    """The pictures of a split in the order of their classes: all that is needed to draw others.

    Shapes: `order` ``[N]``, the positions sorted by class; `start` and `size` ``[classes]``, the
    interval of each class in it.
    """

    order: Tensor
    start: Tensor
    size: Tensor


def by_class(targets: Tensor) -> Classes:
    """Sort the positions of a split by their class ``[N]``, in memory for N numbers.

    Raises:
        ConfigError: all pictures are of one class, so that none has a picture of another.
    """
    size = targets.bincount()
    if int(size.max()) == len(targets):
        raise ConfigError(
            f"a contrast needs pictures of other classes: all {len(targets)} pictures of the train "
            f"split are of class {int(targets[0])}. Use data of two classes or more."
        )
    return Classes(targets.argsort(stable=True), size.cumsum(0) - size, size)


def draw_others(classes: Classes, target: Tensor, count: int) -> Tensor:
    """Draw `count` positions of pictures of other classes for each target ``[B]``: ``[B, count]``.

    They are uniform and with replacement. A number below N less the size of the class is drawn,
    and those from the start of the class on skip its interval: so nothing is kept per class but
    where it lies. The draw is from torch's global generator of the CPU, whose state a checkpoint
    holds, whatever the device.
    """
    start, size = classes.start[target, None], classes.size[target, None]
    # Far above any N, so that the remainders are uniform to 1e-9.
    drawn = torch.randint(1 << 53, (len(target), count)).to(target.device)
    drawn = drawn % (len(classes.order) - size)
    return classes.order[drawn + size * (drawn >= start)]


def similarities(bank: Tensor, embedded: Tensor, positions: Tensor) -> Tensor:
    """Return the inner products of embeddings ``[B, D]`` with rows of a bank ``[N, D]``.

    `positions` ``[B, K]`` chooses the rows, and so is the result. One matrix product with the whole
    bank is quicker by far than to gather K rows for each embedding, until the bank has many times
    K rows; so the cost is of the order of ``B * K * D`` in both cases.
    """
    if len(bank) <= 32 * positions.shape[1]:
        return (embedded @ bank.T).gather(1, positions)
    return torch.einsum("bd,bkd->bk", embedded, bank[positions])


def noise_contrast(scores: Tensor, log_constant: Tensor, pictures: int) -> Tensor:
    """Return the loss of telling the first score of every row from the others, a batch mean.

    Noise-contrastive estimation as in Contrastive Representation Distillation (Tian et al., ICLR
    2020, arXiv:1910.10699), in nats: with K noise scores a row, a pair is genuine with probability
    ``P / (P + K / N)``, where ``P = exp(score) / Z``. In logs that is a sigmoid, and the loss a
    binary cross-entropy, of one genuine pair and of K others, all summed.

    Shapes: `scores` ``[B, 1 + K]``, already over their temperature; `log_constant` a scalar, log Z;
    `pictures` is N.

    >>> import torch
    >>> scores, one = torch.tensor([[2.0, -1.0]]), torch.tensor(0.0)
    >>> noise_contrast(scores, one, pictures=1)  # softplus(-2) + softplus(-1), in nats
    tensor(0.4402)
    """
    noise = scores.shape[1] - 1
    odds = scores - log_constant - scores.new_tensor(noise / pictures).log()
    return (F.softplus(-odds[:, 0]) + F.softplus(odds[:, 1:]).sum(1)).mean()
