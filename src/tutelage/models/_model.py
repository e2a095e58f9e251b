"""What a network is to the toolkit: a builder, and the module paths of its stages."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from tutelage.errors import ConfigError, ModelError, RangeError, TutelageError
from tutelage.models import _outside
from tutelage.models._answer import logits_of
from tutelage.models._places import Place, Places, attach, find
from tutelage.registry import Registry
from tutelage.types import Shapes, Task

Builder = Callable[..., nn.Module]
"""Called as ``builder(num_classes=..., channels=...)``."""


@dataclass(frozen=True, slots=True)
class Network:
    """One entry of the zoo.

    `stages` maps ``stem``, ``stage1`` ... and ``pooled`` to module paths inside the built network
    (what ``nn.Module.get_submodule`` takes); a hook on them sees the feature of that stage. A
    network is never edited for a method. `preactivations` maps a stage to the activation whose
    input is the feature of that stage before it, where that activation is no part of the stage.
    """

    name: str
    family: str
    build: Builder
    stages: Mapping[str, str] = field(default_factory=dict)
    preactivations: Mapping[str, str] = field(default_factory=dict)
    paper: str = ""


models: Registry[Network] = Registry("model", "tutelage.models")


def enrol(network: Network, *aliases: str) -> None:
    """Add a network to the zoo under its own name and under each alias."""
    for name in (network.name, *aliases):
        models.add(name, network)


def build(name: str, *, num_classes: int, channels: int = 3, task: Task = "classes") -> nn.Module:
    """Build a network by name, with fresh weights.

    `name` is one of the zoo (``resnet8x4``), ``torchvision/NAME``, ``timm/NAME``, or
    ``package.module:function``: a function, or a class, that is called with ``num_classes=``, and
    with ``channels=`` when it names such a parameter. Calling the network on images
    ``[B, channels, height, width]`` gives logits ``[B, num_classes]``; those of torchvision's
    segmentation networks are of pixels, see `logits_of`.

    >>> network = build("resnet8x4", num_classes=100)
    >>> count_parameters(network)
    1233540

    Raises:
        ConfigError: no network of the zoo has that name.
        ModelError: a network from outside cannot be found or built.
        RangeError: there are fewer than 2 classes (1 where `task` is ``labels``), or no channel.
    """
    if num_classes < (1 if task == "labels" else 2):
        raise RangeError(
            f"a classifier needs 2 classes or more: num_classes is {num_classes}. "
            f"Give the number of classes of the data."
        )
    if channels < 1:
        raise RangeError(
            f"a picture has 1 channel or more: channels is {channels}. "
            f"Give 1 for grey and 3 for colour."
        )
    builder = _outside.find(name) or _of_the_zoo(name).build
    return builder(num_classes=num_classes, channels=channels)


def stages(name: str, module: nn.Module) -> dict[str, str]:
    """Return the stages of a network that `build` made from `name`: stage name to module path.

    The order is that of the forward pass. Of torchvision the families resnet, vgg, mobilenet_v2,
    shufflenet_v2 and vit are known, of timm all that tell their features; any other network from
    outside has no known stages, and the answer is empty. ``pooled`` is left out where no module
    puts out just what the classifier gets.

    >>> stages("resnet20", build("resnet20", num_classes=10))["stage3"]
    'layer3'

    Raises:
        ConfigError: no network of the zoo has that name.
        ModelError: `module` was not built from `name`.
    """
    outside = _outside.find(name) is not None
    paths = _outside.stages(name, module) if outside else dict(_of_the_zoo(name).stages)
    inside = {path for path, _ in module.named_modules()}
    missing = [path for path in paths.values() if path not in inside]
    if missing:
        raise ModelError(
            f"the stages of {name!r} should lie at {', '.join(paths.values())}: "
            f"{type(module).__name__} has no {', '.join(missing)}. "
            f"Ask with the name the network was built from."
        )
    return paths


def count_parameters(module: nn.Module) -> int:
    """Return how many numbers a network learns, frozen ones included, shared ones once."""
    return sum(parameter.numel() for parameter in module.parameters())


def places(
    name: str, module: nn.Module, image_shape: tuple[int, int, int], taps: Sequence[str] = ()
) -> Places:
    """Return where the features of a network lie, without changing anything in it.

    Stages are the modules at the paths `taps`, if there are any; else those of the zoo, of
    torchvision and of timm as `stages` knows them; else, and with an empty `name`, those that one
    dry pass of random pictures finds: the last module of each resolution, or every block of tokens.
    `image_shape` is channels, height and width.

    >>> network = build("resnet20", num_classes=10)
    >>> found = places("resnet20", network, (3, 32, 32))
    >>> [place.path for place in found.stages], found.classifier
    (['layer1', 'layer2', 'layer3'], 'fc')

    Raises:
        ModelError: the network cannot read such pictures, or has no module at a path.
    """
    known = name and not _outside.find(name)
    with _dry(module, image_shape) as images:
        # What is found by its values would be found anywhere in the zeros that blank pictures make.
        noise = torch.rand(images.shape, generator=torch.Generator().manual_seed(0))
        return find(
            module,
            noise.to(images),
            stages=stages(name, module) if name else {},
            preactivations=_of_the_zoo(name).preactivations if known else {},
            taps=taps,
        )


def probe(
    module: nn.Module,
    image_shape: tuple[int, int, int],
    *,
    taps: Mapping[str, Place | str] | None = None,
    task: Task = "classes",
) -> Shapes:
    """Measure what a network puts out for one picture: ``"logits"`` and each tap.

    `image_shape` is channels, height and width.
    `taps` maps names to places; a path is the output of the module there. Two blank pictures are
    sent through in evaluation mode. The network, its modes, its BN statistics and the random state
    stay as they were. A tap in the weights is told whole. `task` says what the logits should be.

    >>> network = build("resnet8", num_classes=10)
    >>> probe(network, (3, 32, 32), taps={"last": "layer3"})
    {'last': (64, 8, 8), 'logits': (10,)}

    Raises:
        ModelError: the network cannot read such pictures, returns something other than one
            tensor, or has no module at the path of a tap, or none that puts out a tensor.
        ShapeError: the logits are not those of the task; see `logits_of`.
    """
    seen: dict[str, Tensor] = {}
    places = {
        tap: Place(place) if isinstance(place, str) else place
        for tap, place in (taps or {}).items()
    }
    with _dry(module, image_shape) as images, attach(module, places, seen):
        logits = logits_of(module(images), images, task, who=type(module).__name__)
    shapes = {
        tap: tuple(seen[tap].shape[place.side in ("output", "input") :])
        for tap, place in places.items()
        if tap in seen
    }
    return {**shapes, "logits": tuple(logits.shape[1:])}


@contextmanager
def _dry(module: nn.Module, image_shape: tuple[int, int, int]) -> Iterator[Tensor]:
    """Yield two blank pictures that the network may be run on meanwhile, and leave no trace.

    What it says of pictures it cannot read becomes a `ModelError`.
    """
    weight = next(module.parameters(), torch.empty(0))
    images = torch.zeros(2, *image_shape, dtype=weight.dtype, device=weight.device)
    with ExitStack() as restore:
        for part in module.modules():
            restore.callback(setattr, part, "training", part.training)
        restore.enter_context(torch.random.fork_rng([weight.device] if weight.is_cuda else []))
        # Not inference mode: a tensor the network keeps from this pass could never be trained.
        restore.enter_context(torch.no_grad())
        module.eval()
        try:
            yield images
        except (RuntimeError, ValueError, AssertionError) as error:
            if isinstance(error, TutelageError):
                raise
            raise ModelError(
                f"{type(module).__name__} should read pictures of "
                f"{' x '.join(map(str, image_shape))} (channels x height x width): "
                f"it says {error}. Change the picture size, or choose a network made for this one."
            ) from error


def _of_the_zoo(name: str) -> Network:
    try:
        return models[name]
    except ConfigError as error:
        raise ConfigError(
            f"{error} From outside, write torchvision/NAME, timm/NAME or package.module:function."
        ) from None
