"""One forward pass, watched: hooks give a method what it needs of any network, unmodified."""

from collections.abc import Callable, Mapping

import torch
from torch import Tensor, nn

from tutelage.models import Place, attach, logits_of
from tutelage.types import Output, Task


class Watch:
    """A network with its taps: ``watch(images)`` runs it once and returns an `Output`.

    `taps` maps the names a method uses to places inside the network, `view` turns the data's
    pictures into those the network was made for, `task` says what its logits should be. Autocast
    ends here: logits and taps are float32 from here on (float64 stays), whatever the precision
    inside.

    Raises:
        ModelError: a tap names no module of the network.
    """

    def __init__(
        self,
        network: nn.Module,
        taps: Mapping[str, Place] | None = None,
        view: Callable[[Tensor], Tensor] | None = None,
        task: Task = "classes",
    ) -> None:
        self.network = network
        self._task = task
        self._view = view
        self._seen: dict[str, Tensor] = {}
        attach(network, taps or {}, self._seen)

    def __call__(self, images: Tensor) -> Output:
        """Run the network on ``[B, channels, height, width]`` pictures.

        Raises:
            ModelError, ShapeError: it does not return the logits of its task; see
                `tutelage.models.logits_of`.
        """
        self._seen.clear()
        output = self.network(images if self._view is None else self._view(images))
        wide = logits_of(output, images, self._task, who=type(self.network).__name__)
        # A view, so that a gradient asked for at the logits ends before the strategy's own hooks.
        return Output(
            wide.view_as(wide), {name: _wide(tensor) for name, tensor in self._seen.items()}
        )


def _wide(tensor: Tensor) -> Tensor:
    return tensor if tensor.dtype == torch.float64 else tensor.float()
