"""A network that only answers, made quicker: its batch norms become part of its convolutions."""

import copy
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import cast

from torch import fx, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from tutelage.engine.ensemble import Ensemble
from tutelage.models import Place


@dataclass(frozen=True, slots=True)
class Folded:
    """A copy of a network, in evaluation mode, that says the same to rounding.

    Of a network that cannot be copied, the network itself.
    """

    network: nn.Module
    norms: int  # batch norms that the network had
    folded: int  # of them, those that became part of the convolution before
    reason: str = ""  # why a network was left as it is

    @property
    def story(self) -> str:
        """What was done, in words."""
        told = f"{self.folded} of its {self.norms} batch norms are folded into convolutions"
        return f"{told}: {self.reason}" if self.reason else told


def folded(network: nn.Module, taps: Mapping[str, Place]) -> Folded:
    """Return a copy in which batch norms are folded into the convolutions right before them.

    In evaluation mode a batch norm is a scale and a shift of each channel, which a convolution can
    do by its own weights (Jacob et al., 2018, arXiv:1712.05877, section 3.2). An identity takes the
    place of each, so that all module paths stay. A pair is folded where a symbolic trace proves
    that the norm follows the convolution, that nothing else takes what the convolution puts out,
    and that both run once; and where no place of `taps` lies between them or in their weights.

    Of an `Ensemble` each network is folded; the taps are the first's.
    """
    norms = sum(isinstance(part, nn.BatchNorm2d) for part in network.modules())
    count, reason = 0, ""
    try:
        copied = copy.deepcopy(network).eval().requires_grad_(False)
    except Exception as error:  # whatever a stranger's network holds
        return Folded(network, norms, 0, _why(network, "copied", error))
    members = list(copied.networks) if isinstance(copied, Ensemble) else [copied]
    for number, member in enumerate(members):
        try:
            pairs = list(_pairs(member, taps if number == 0 else {}))
        except Exception as error:  # whatever code meets when it is run on symbols
            reason = _why(member, "traced", error)
            continue
        for convolution, norm in pairs:
            fused = fuse_conv_bn_eval(
                cast(nn.Conv2d, member.get_submodule(convolution)),
                cast(nn.BatchNorm2d, member.get_submodule(norm)),
            )
            member.set_submodule(convolution, fused)
            member.set_submodule(norm, nn.Identity())
        count += len(pairs)
    return Folded(copied, norms, count, reason)


def _why(network: nn.Module, done: str, error: Exception) -> str:
    first = str(error).partition("\n")[0]
    return f"{type(network).__name__} cannot be {done} ({type(error).__name__}: {first})"


def _pairs(network: nn.Module, taps: Mapping[str, Place]) -> Iterator[tuple[str, str]]:
    """Yield the paths of each convolution and batch norm that can be folded."""
    # A network may keep what it meets in its forward pass; of the symbols nothing must stay.
    graph = fx.Tracer().trace(copy.deepcopy(network))
    runs = Counter(
        str(node.target) if node.op == "call_module" else str(node.target).rpartition(".")[0]
        for node in graph.nodes
        if node.op in ("call_module", "get_attr")
    )
    for node in graph.nodes:
        before = node.args[0] if node.op == "call_module" and node.args else None
        if not isinstance(before, fx.Node) or before.op != "call_module":
            continue
        paths = str(before.target), str(node.target)
        convolution, norm = map(network.get_submodule, paths)
        if (
            type(convolution) is nn.Conv2d
            and type(norm) is nn.BatchNorm2d
            and norm.running_mean is not None
            and [*before.users] == [node]
            and all(runs[path] == 1 for path in paths)
            and not (_hooked(convolution) or _hooked(norm))
            and not any(_between(place, *paths) for place in taps.values())
        ):
            yield paths


def _between(place: Place, convolution: str, norm: str) -> bool:
    """Say whether what is watched is what folding changes."""
    holds_convolution, holds_norm = (
        f"{path}.".startswith(f"{place.path}.") for path in (convolution, norm)
    )
    if place.side == "output":
        return holds_convolution and not holds_norm
    if place.side == "input":
        return holds_norm and not holds_convolution
    return place.path in (convolution, norm)


def _hooked(module: nn.Module) -> bool:
    return bool(module._forward_hooks or module._forward_pre_hooks)
