"""Where the features lie that methods look at: named, known, or found by a dry pass."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle

from tutelage.errors import ModelError, did_you_mean
from tutelage.models._answer import unwrapped

Side = Literal["output", "input", "weight", "bias"]

_ACTIVATIONS = (
    nn.ReLU, nn.ReLU6, nn.LeakyReLU, nn.PReLU, nn.ELU, nn.GELU, nn.SiLU, nn.Hardswish, nn.Mish,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Place:
    """One tensor of a network: what a module puts out or gets, or a parameter of it."""

    path: str  # what ``nn.Module.get_submodule`` takes
    side: Side = "output"
    channels_last: bool = False  # [B, H, W, C], as some transformers have it


@dataclass(frozen=True, slots=True)
class Places:
    """Where the features of one network lie; what was not found is empty."""

    stages: tuple[Place, ...] = ()  # shallow to deep
    preactivations: tuple[Place, ...] = ()  # of the stages, before their last activation
    stem: Place | None = None
    unpooled: Place | None = None  # the map of which the classifier gets the mean
    classifier: str = ""  # path of the layer whose output is the logits


@dataclass(frozen=True, slots=True)
class _Call:
    """A module that ran once in a dry pass and put out one tensor."""

    path: str
    module: nn.Module
    given: object
    output: Tensor

    @property
    def depth(self) -> int:
        return self.path.count(".")


def attach(network: nn.Module, places: Mapping[str, Place], seen: dict[str, Tensor]) -> ExitStack:
    """Let every pass of the network write the tensors at `places` into `seen`.

    Closing what is returned ends it. A place in the weights is written once, and stays.

    Raises:
        ModelError: there is no module at the path of a place; later, at a pass, one that does not
            put out one tensor.
    """
    handles = ExitStack()
    for name, place in places.items():
        module = submodule(network, place.path)
        if place.side in ("weight", "bias"):
            handles.callback(_read_parameter(module, name, place, seen).remove)
        elif place.side == "input":
            handles.callback(module.register_forward_pre_hook(_input(name, place, seen)).remove)
        else:
            handles.callback(module.register_forward_hook(_output(name, place, seen)).remove)
    return handles


def submodule(network: nn.Module, path: str) -> nn.Module:
    """Return the module at a path.

    Raises:
        ModelError: there is none; the message names the nearest.
    """
    try:
        return network.get_submodule(path)
    except AttributeError:
        there = [name for name, _ in network.named_modules() if name]
        raise ModelError(
            f"a tap must be the path of a module, and {type(network).__name__} has no {path!r}; "
            f"`named_modules()` lists the paths.{did_you_mean(path, there)}"
        ) from None


def find(
    network: nn.Module,
    images: Tensor,
    *,
    stages: Mapping[str, str],
    preactivations: Mapping[str, str],
    taps: Sequence[str] = (),
) -> Places:
    """Return where the features of a network lie, by a pass of `images` that must change nothing.

    Stages are the modules at `taps`; else those that `stages` names; else what was found: of
    feature maps the last module of each resolution, of tokens every block. `preactivations` names
    the activations whose input is a stage's feature before it, by stage; else an activation is
    looked for whose output is the stage's.
    """
    calls, logits = _trace(network, images)
    for path in taps:
        submodule(network, path)
    named = {name: path for name, path in stages.items() if name.startswith("stage")}
    nhwc = _is_channels_last(network)  # what height is cannot be told from its shapes alone
    paths = list(taps) or list(named.values()) or ([] if nhwc else _stages(calls))
    stem = stages.get("stem", "") if not taps else ""
    outputs = {call.path: call.output for call in calls}
    before = {} if taps else {named[name]: path for name, path in preactivations.items()}
    classifier = _classifier(calls, logits)
    return Places(
        stages=tuple(Place(path, channels_last=nhwc) for path in paths),
        preactivations=tuple(
            Place(before[path], "input") if path in before else _before(path, outputs, calls, nhwc)
            for path in paths
        ),
        stem=Place(stem, channels_last=nhwc) if stem else None,
        unpooled=_unpooled(calls, classifier) if classifier else None,
        classifier=classifier,
    )


def _trace(network: nn.Module, images: Tensor) -> tuple[list[_Call], object]:
    """Return every module that put out a tensor, in the order in which they ended, and the logits.

    The last call of a module counts.
    """
    calls: dict[str, _Call] = {}

    def keep(path: str) -> Callable[[nn.Module, tuple[object, ...], object], None]:
        def hook(module: nn.Module, inputs: tuple[object, ...], output: object) -> None:
            calls.pop(path, None)
            if isinstance(output, Tensor):
                calls[path] = _Call(path, module, inputs[0] if inputs else None, output)

        return hook

    handles: list[RemovableHandle] = [
        module.register_forward_hook(keep(path)) for path, module in network.named_modules() if path
    ]
    try:
        logits = unwrapped(network(images))
    finally:
        for handle in handles:
            handle.remove()
    return list(calls.values()), logits


def _stages(calls: Sequence[_Call]) -> list[str]:
    """Return the stages of a network of which nothing is known, four at most, or its blocks."""
    maps = _last_of_each_resolution(calls)
    families: dict[str, list[str]] = {}
    for call in calls:
        if call.output.ndim == 3:  # tokens
            families.setdefault(call.path.rpartition(".")[0], []).append(call.path)
    blocks = max(families.values(), key=len, default=[])
    return blocks if len(maps) < 2 <= len(blocks) else maps[-4:]


def _last_of_each_resolution(calls: Sequence[_Call]) -> list[str]:
    """Return the module that ends each resolution, as long as height and width only fall."""
    by_size: dict[torch.Size, list[_Call]] = {}
    for call in calls:
        if call.output.ndim == 4 and call.output.shape[2:].numel() > 1:
            by_size.setdefault(call.output.shape[2:], []).append(call)
    ends: list[_Call] = []
    for size, alike in by_size.items():
        before = ends[-1].output.shape[2:] if ends else size
        if all(now <= then for now, then in zip(size, before, strict=True)):
            # A shallow module is a stage where a deep one is a layer inside the next.
            least = min(call.depth for call in alike)
            ends.append([call for call in alike if call.depth == least][-1])
    return [call.path for call in ends]


def _before(path: str, outputs: Mapping[str, Tensor], calls: Sequence[_Call], nhwc: bool) -> Place:
    """Return the input of the activation that makes a stage's output; without one, the output."""
    for call in calls:
        inside = call.path == path or call.path.startswith(f"{path}.")
        if inside and isinstance(call.module, _ACTIVATIONS) and call.output is outputs.get(path):
            return Place(call.path, "input")
    return Place(path, channels_last=nhwc)


def _classifier(calls: Sequence[_Call], logits: object) -> str:
    """Return the last layer whose output is the logits, flattened or not."""
    if not isinstance(logits, Tensor):
        return ""
    for call in reversed(calls):
        is_layer = isinstance(call.module, nn.Linear | nn.Conv2d)
        same = call.output.data_ptr() == logits.data_ptr()
        if is_layer and same and call.output.numel() == logits.numel():
            return call.path
    return ""


def _unpooled(calls: Sequence[_Call], classifier: str) -> Place | None:
    """Return the last of the largest maps whose mean over all positions the classifier gets."""
    given = next(call.given for call in calls if call.path == classifier)
    found = [call for call in calls if _is_mean(given, call.output)]
    largest = max((call.output.shape[2:].numel() for call in found), default=0)
    fitting = [call.path for call in found if call.output.shape[2:].numel() == largest]
    return Place(fitting[-1]) if fitting else None


def _is_mean(given: object, features: Tensor) -> bool:
    if not isinstance(given, Tensor) or features.ndim != 4:
        return False
    vector, mean = given.flatten(1), features.mean((2, 3))
    return vector.shape == mean.shape and torch.allclose(vector, mean, rtol=1e-3, atol=1e-6)


def _is_channels_last(network: nn.Module) -> bool:
    return (
        getattr(network, "output_fmt", None) == "NHWC"  # timm says so itself
        or type(network).__name__ == "SwinTransformer"
    )


def _read_parameter(
    module: nn.Module, name: str, place: Place, seen: dict[str, Tensor]
) -> RemovableHandle:
    def keep(module: nn.Module, inputs: tuple[object, ...]) -> None:
        parameter = getattr(module, place.side)
        if parameter is not None:
            # A view, so that a gradient asked for here is not also that of the network's own use.
            rows = parameter.shape[:1] if parameter.ndim == 1 else (len(parameter), -1)
            seen[name] = parameter.view(rows)

    return module.register_forward_pre_hook(keep)


def _input(
    name: str, place: Place, seen: dict[str, Tensor]
) -> Callable[[nn.Module, tuple[object, ...]], None]:
    def keep(module: nn.Module, inputs: tuple[object, ...]) -> None:
        tensor = _one_tensor(inputs[0], place)
        # What works in place would overwrite what is kept here.
        seen[name] = tensor.clone() if getattr(module, "inplace", False) else tensor

    return keep


def _output(
    name: str, place: Place, seen: dict[str, Tensor]
) -> Callable[[nn.Module, object, object], None]:
    def keep(module: nn.Module, inputs: object, output: object) -> None:
        seen[name] = _one_tensor(output, place)

    return keep


def _one_tensor(value: object, place: Place) -> Tensor:
    if not isinstance(value, Tensor):
        raise ModelError(
            f"a tap must watch a module that takes and puts out one tensor: {place.path!r} has "
            f"{type(value).__name__}. Watch a module before or after it."
        )
    return value.movedim(-1, 1) if place.channels_last and value.ndim == 4 else value
