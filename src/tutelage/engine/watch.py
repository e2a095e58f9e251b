"""One forward pass, watched: hooks give a method what it needs of any network, unmodified."""

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from tutelage.errors import ModelError, ShapeError, did_you_mean
from tutelage.types import Output


class Watch:
    """A network with its taps: ``watch(images)`` runs it once and returns an `Output`.

    `taps` maps the names a method uses to module paths inside the network. Autocast ends here:
    logits are float32 from here on (float64 stays), whatever the precision inside.

    Raises:
        ModelError: a tap names no module of the network.
    """

    def __init__(self, network: nn.Module, taps: Mapping[str, str] | None = None) -> None:
        self.network = network
        self._seen: dict[str, Tensor] = {}
        for name, path in (taps or {}).items():
            _submodule(network, path).register_forward_hook(self._keeper(name))

    def __call__(self, images: Tensor) -> Output:
        """Run the network on ``[B, channels, height, width]`` pictures.

        Raises:
            ShapeError: it does not return ``[B, C]`` scores.
        """
        self._seen.clear()
        logits = self.network(images)
        if logits.ndim != 2 or len(logits) != len(images):
            raise ShapeError(
                f"a classifier must give one row of class scores a picture: "
                f"{len(images)} pictures of {tuple(images.shape[1:])} gave {tuple(logits.shape)}."
            )
        wide = logits if logits.dtype == torch.float64 else logits.float()
        # A view, so that a gradient asked for at the logits ends before the strategy's own hooks.
        return Output(wide.view_as(wide), self._seen.copy())

    def _keeper(self, name: str):  # type: ignore[no-untyped-def]
        def keep(module: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
            self._seen[name] = output

        return keep


def _submodule(network: nn.Module, path: str) -> nn.Module:
    try:
        return network.get_submodule(path)
    except AttributeError:
        there = [name for name, _ in network.named_modules() if name]
        raise ModelError(
            f"{type(network).__name__} has no module {path!r} to tap.{did_you_mean(path, there)}"
        ) from None
