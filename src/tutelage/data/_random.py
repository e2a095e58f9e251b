"""Random numbers without a state: every draw is a hash of where it is used.

The hash is SplitMix64 (Steele, Lea, Flood: Fast Splittable Pseudorandom Number Generators, 2014),
nested: output number `epoch` of the generator seeded with `seed` seeds a generator whose output
number `index` seeds the picture's own, whose outputs are the draws. A further stream of draws for
the same picture is seeded by the output of that generator whose number is minus the stream's.
"""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

Words = NDArray[np.uint64]

_WORD = 0xFFFF_FFFF_FFFF_FFFF


def splitmix64(key: Words, number: Words) -> Words:
    """Return output `number` (from 0) of the SplitMix64 generators seeded with `key`.

    Both broadcast; both are arrays of at least one axis, where numpy wraps without a warning.
    """
    word: Words = key + (number + np.uint64(1)) * np.uint64(0x9E37_79B9_7F4A_7C15)
    word = (word ^ (word >> np.uint64(30))) * np.uint64(0xBF58_476D_1CE4_E5B9)
    word = (word ^ (word >> np.uint64(27))) * np.uint64(0x94D0_49BB_1331_11EB)
    return word ^ (word >> np.uint64(31))


def keys(seed: int, epoch: int, index: Tensor, stream: int = 0) -> Words:
    """Return one 64-bit key per entry of `index` ``[B]``, for this seed, epoch and stream."""
    root = np.array([seed & _WORD], dtype=np.uint64)
    root = splitmix64(root, np.array([epoch & _WORD], dtype=np.uint64))
    own = splitmix64(root, index.to(torch.int64).numpy().astype(np.uint64))
    return splitmix64(own, np.array([-stream & _WORD], dtype=np.uint64)) if stream else own


def uniforms(seed: int, epoch: int, index: Tensor, draws: int, stream: int = 0) -> Tensor:
    """Return numbers in [0, 1): float64 ``[B, draws]`` for `index` ``[B]``.

    Each depends on (seed, epoch, its index, its column, the stream) alone.

    >>> both = uniforms(0, 1, torch.tensor([7, 9]), 3)
    >>> bool((uniforms(0, 1, torch.tensor([9]), 3) == both[1:]).all())
    True
    """
    words = splitmix64(keys(seed, epoch, index, stream)[:, None], np.arange(draws, dtype=np.uint64))
    return torch.from_numpy((words >> np.uint64(11)).astype(np.float64) * 2.0**-53)
