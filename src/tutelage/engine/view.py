"""What a network sees of the data's pictures: those of its own size and normalisation."""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from tutelage.config import StudentConfig, TeacherConfig
from tutelage.data import DataSpec
from tutelage.errors import ConfigError


@dataclass(frozen=True, slots=True)
class View:
    """Called with the data's pictures ``[B, C, H, W]``, it returns those that a network wants.

    They are resized, bilinearly and without aliasing, where the sizes differ, and normalised anew
    where mean or deviation do. Where nothing differs, the pictures themselves are returned.

    >>> grey = DataSpec("grey", ("a", "b"), 1, 2, 2, mean=(0.5,), std=(0.5,))
    >>> view = View.of(TeacherConfig(image_size=4, mean=(0.0,), std=(1.0,)), grey)
    >>> view(torch.ones(1, 1, 2, 2)).mean(), view.shape  # white
    (tensor(1.), (1, 4, 4))
    """

    shape: tuple[int, int, int]  # channels, height and width that the network takes
    mean: tuple[float, ...]  # the network's own, per channel, of pictures in 0..1
    std: tuple[float, ...]
    data_mean: tuple[float, ...]  # by which the pictures are normalised already
    data_std: tuple[float, ...]

    @classmethod
    def of(cls, network: StudentConfig | TeacherConfig, data: DataSpec) -> "View":
        """Return the view of a network; what its section leaves out is the data's own.

        Raises:
            ConfigError: mean or std is not one number per channel of the data.
        """
        for key, values in (("mean", network.mean), ("std", network.std)):
            if len(values) not in (0, data.channels):
                raise ConfigError(
                    f"a network's own {key} is one number per channel, and {data.name} has "
                    f"{data.channels}: it is {list(values)}. Leave it out where it is the data's."
                )
        height, width = network.image_size or data.height, network.image_size or data.width
        return cls(
            (data.channels, height, width),
            network.mean or data.mean,
            network.std or data.std,
            data.mean,
            data.std,
        )

    def __call__(self, images: Tensor) -> Tensor:
        """Return the pictures as the network was made to see them."""
        if images.shape[2:] != self.shape[1:]:
            # Still in the data's scale: weighted means of pixels follow any change of it.
            images = F.interpolate(
                images, self.shape[1:], mode="bilinear", align_corners=False, antialias=True
            )
        if (self.mean, self.std) == (self.data_mean, self.data_std):
            return images
        mean, std, data_mean, data_std = (
            torch.tensor(values, dtype=torch.float64)[:, None, None]
            for values in (self.mean, self.std, self.data_mean, self.data_std)
        )
        scale, shift = data_std / std, (data_mean - mean) / std
        return images * scale.to(images) + shift.to(images)
