"""Mixup and CutMix: pictures mixed in pairs, each by draws of its own."""

import numpy as np
import torch
from scipy.special import betaincinv

from tutelage.data._random import uniforms
from tutelage.data.augment import inside
from tutelage.types import Batch

STREAM = 1 << 32  # of draws: far from those of the views


def mixed(batch: Batch, mixup: float, cutmix: float, seed: int, epoch: int) -> Batch:
    """Return the batch with each picture mixed with its partner; as it is where both alphas are 0.

    A picture's partner is the one at the mirrored place of the batch. The picture's own share is
    drawn from Beta(alpha, alpha) by what (seed, epoch, index) names. Mixup blends the two by it
    (Zhang et al., 2018, arXiv:1710.09412, section 2). CutMix lays a box of the partner, as large
    as the partner's share, around a centre drawn evenly; the share is then that of the pixels
    left, since the box may reach outside (Yun et al., 2019, arXiv:1905.04899, section 3.1). Where
    both alphas are above 0, every picture draws which of the two it undergoes, half and half.

    `target` and `index` are then those of whichever picture has the greater share, `second` is the
    other's class, `share` is float32. The picture in the middle of an odd batch is its own
    partner, and stays what it was. Mixtures do not come again, so `view` is 0.

    Args:
        batch: pictures ``[B, C, H, W]`` in one view each; on any device.
        mixup: alpha of mixup's Beta distribution, 0 for none.
        cutmix: alpha of CutMix's, 0 for none.
        seed: of the run.
        epoch: from 1.
    """
    if not mixup and not cutmix:
        return batch
    images, size = batch.images, torch.tensor(batch.images.shape[2:])
    # On the CPU and in float64, so that every device sees the same mixture.
    draws = uniforms(seed, epoch, batch.index.cpu(), 4, STREAM)
    odds = 0.5 if mixup and cutmix else float(cutmix > 0)
    cut = draws[:, 0] < odds  # [B]
    alpha = np.where(cut, cutmix, mixup)
    # Of Beta(alpha, alpha), by its inverse distribution function.
    own = torch.from_numpy(betaincinv(alpha, alpha, draws[:, 1].numpy()))
    side = (size * ((1 - own) * cut).sqrt()[:, None]).long()  # [B, 2], 0 for mixup
    corner = (size * draws[:, 2:]).long() - side // 2
    first, last = corner.clamp(min=0), (corner + side).minimum(size)
    part = torch.where(cut, 1.0, own)  # of the picture where no box lies
    share = part * (1 - (last - first).prod(1).double() / size.prod())  # [B]

    box = inside(first.to(images.device), last.to(images.device), images.shape)
    kept = torch.where(box, 0.0, part[:, None, None, None].to(box.device, images.dtype))
    swapped, target = share < 0.5, batch.target
    lesser = swapped.to(target.device).view(-1, *[1] * (target.ndim - 1))  # many labels: [B, 1]
    return Batch(
        images.flip(0).mul_(1 - kept).add_(kept * images),  # as few new tensors as can be
        torch.where(lesser, target.flip(0), target),
        torch.where(swapped.to(batch.index.device), batch.index.flip(0), batch.index),
        torch.where(lesser, target, target.flip(0)),
        torch.where(swapped, 1 - share, share).to(target.device, torch.float32),
    )
