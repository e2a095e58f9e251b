"""What stands between a student's feature map and a teacher's: a convolution and batch norm."""

from torch import Tensor, nn
from torch.nn import functional as F


class BatchNorm(nn.BatchNorm2d):
    """Batch norm that meets a single value a channel, which has no variance.

    One picture's map of 1x1 is normalised by the running statistics then, instead of an error.
    """

    def forward(self, features: Tensor) -> Tensor:
        """Normalise ``[B, C, H, W]``."""
        if features.numel() > features.shape[1]:
            return super().forward(features)
        return F.batch_norm(
            features, self.running_mean, self.running_var, self.weight, self.bias, eps=self.eps
        )


def connector(inputs: int, outputs: int, *, kernel: int = 1) -> nn.Sequential:
    """Return a convolution that keeps the size of a map, and batch norm.

    It is drawn by He's rule over fan-out, as OFD's is; batch norm makes the scale a matter of
    taste.
    """
    convolution = nn.Conv2d(inputs, outputs, kernel, padding=kernel // 2, bias=False)
    nn.init.kaiming_normal_(convolution.weight, mode="fan_out", nonlinearity="relu")
    return nn.Sequential(convolution, BatchNorm(outputs))
