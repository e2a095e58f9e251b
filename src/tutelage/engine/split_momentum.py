"""SGD with a momentum of its own for each kind of loss term: DOT and DeepKD."""

from collections.abc import Callable, Iterable, Mapping

import torch
from torch import Tensor, nn

from tutelage.errors import ConfigError
from tutelage.types import Terms

SIGNS: dict[str, dict[str, int]] = {
    "dot": {"ce": -1, "distillation": 1},
    "deepkd": {"ce": 1, "tckd": -1, "distillation": 1},
}
"""The kinds of terms that an optimiser keeps apart, and where their momenta lie: by how many
`delta` above `momentum`. Every term is of the kind that bears its name, else of the last.

``dot`` is DOT: A Distillation-Oriented Trainer (Zhao, Cui, Song, Liang; ICCV 2023,
arXiv:2307.08436). ``deepkd`` has the momenta of DeepKD (Huang, Song, Zhang, Ren; 2025,
arXiv:2505.15133): the task's and the other classes' gradients, which have the higher ratio of
signal to noise, above, the target class's below. Signs and sizes are those of the authors' configs.
"""


class SplitMomentum(torch.optim.Optimizer):
    """SGD that remembers the gradients of each kind of term apart.

    For every kind k, ``v_k = (momentum + sign_k * delta) * v_k + g_k``, and the weights move by
    ``-lr * sum of v_k``; the first v_k is g_k. Weight decay joins the gradient of the labels' term
    alone. A weight that terms of one kind alone move has plain momentum, and decays with them. Both
    are the rules of DOT's authors' code. With a delta of 0 it is `torch.optim.SGD`, to rounding.

    A step is: for each kind a backward pass and `put_aside`, then `join`, then `step`.
    """

    def __init__(
        self,
        parameters: Iterable[nn.Parameter],
        signs: Mapping[str, int],
        *,
        lr: float,
        momentum: float,
        delta: float,
        weight_decay: float,
    ) -> None:
        numbers = {"lr": lr, "momentum": momentum, "delta": delta, "weight_decay": weight_decay}
        super().__init__(parameters, numbers)
        self.signs = dict(signs)
        self._apart: dict[Tensor, dict[str, Tensor]] = {}

    def parcels(self, terms: Terms) -> dict[str, Terms]:
        """Return the terms by kind, the labels' first.

        Raises:
            ConfigError: there is no term of some kind.
        """
        last = [*self.signs][-1]
        parcels: dict[str, Terms] = {kind: {} for kind in self.signs}
        for name, term in terms.items():
            stem = name.rpartition("/")[2]  # a sum of methods may put the method's name before it
            parcels[stem if stem in parcels else last][name] = term
        if missing := [kind for kind, parcel in parcels.items() if not parcel]:
            raise ConfigError(
                f"optimizer.name wants loss terms of the kinds {', '.join(parcels)}, and this "
                f"method has {', '.join(terms)}, none of {', '.join(missing)}; set "
                f"optimizer.name=sgd, or a method with such terms: dkd has all."
            )
        return parcels

    def put_aside(self, kind: str) -> None:
        """Take every gradient away, to those of this kind that were put aside before."""
        for parameter in self._parameters():
            if parameter.grad is not None:
                own = self._apart.setdefault(parameter, {})
                own[kind] = own[kind].add_(parameter.grad) if kind in own else parameter.grad
                parameter.grad = None

    def join(self, average: Callable[[Tensor], Tensor]) -> None:
        """Average what was put aside over processes; its sum becomes the gradient."""
        for parameter, own in self._apart.items():
            for kind in own:
                own[kind] = average(own[kind])
            parameter.grad = torch.stack([*own.values()]).sum(0)

    def scale(self, factor: Tensor | float) -> None:
        """Multiply what was put aside, as something else has done with the gradient."""
        for own in self._apart.values():
            for gradient in own.values():
                gradient.mul_(factor)

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]
        """Move the weights by what was put aside, and forget that."""
        for group in self.param_groups:
            for parameter in group["params"]:
                own = self._apart.pop(parameter, {})
                delta = group["delta"] if len(own) > 1 else 0.0
                decay, velocities = group["weight_decay"], self.state[parameter]
                for kind, gradient in own.items():
                    gradient.add_(parameter, alpha=decay)
                    decay = 0.0  # of the first kind alone
                    if kind in velocities:
                        momentum = group["momentum"] + self.signs[kind] * delta
                        velocities[kind].mul_(momentum).add_(gradient)
                    else:
                        velocities[kind] = gradient
                    parameter.add_(velocities[kind], alpha=-group["lr"])

    def _parameters(self) -> Iterable[nn.Parameter]:
        return (parameter for group in self.param_groups for parameter in group["params"])
