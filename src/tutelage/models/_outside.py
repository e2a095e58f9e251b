"""Networks from outside the zoo: torchvision, timm, and any importable function."""

import re
from collections.abc import Callable
from functools import partial
from importlib import import_module
from inspect import Parameter, signature

from torch import nn

from tutelage.errors import ModelError, did_you_mean

Source = Callable[..., nn.Module]
"""Called as ``source(name, num_classes=..., channels=...)``."""

_RESNET_STAGES = {"stem": "relu"} | {f"stage{n}": f"layer{n}" for n in range(1, 5)}
_TORCHVISION_STAGES = {
    r"(wide_)?resnet\d+(_2)?|resnext\d+_.*": {**_RESNET_STAGES, "pooled": "avgpool"},
    r"shufflenet_v2_.*": {"stem": "conv1"} | {f"stage{n}": f"stage{n + 1}" for n in range(1, 4)},
    r"mobilenet_v2": {
        "stem": "features.0",
        "stage1": "features.3",
        "stage2": "features.6",
        "stage3": "features.13",
        "stage4": "features.17",
        "pooled": "classifier.0",
    },
    r"(convnext|swin)_.*": {f"stage{n}": f"features.{2 * n - 1}" for n in range(1, 5)},
}

# Two of torchvision's networks return auxiliary logits in training unless told not to, and one
# of them warns unless it is told how to draw its weights.
_TORCHVISION_OPTIONS: dict[str, dict[str, object]] = {
    name: {"aux_logits": False, "init_weights": True} for name in ("googlenet", "inception_v3")
}


def find(name: str) -> Source | None:
    """Return the builder of a network from outside, or None where `name` is not of that form."""
    source, slash, rest = name.partition("/")
    if slash and source in _SOURCES:
        return partial(_SOURCES[source], rest)
    return partial(_imported, name) if ":" in name else None


def stages(name: str, module: nn.Module) -> dict[str, str]:
    """Return the known stages of a network from outside; empty where none are known."""
    source, _, rest = name.partition("/")
    if source == "torchvision":
        return _torchvision_stages(rest, module)
    if source == "timm":
        return _timm_stages(module)
    return {}


def _torchvision(name: str, *, num_classes: int, channels: int) -> nn.Module:
    from torchvision import models as zoo  # slow to import, and only needed here

    there, of_pixels = zoo.list_models(module=zoo), zoo.list_models(module=zoo.segmentation)
    if name not in {*there, *of_pixels}:
        raise ModelError(
            f"torchvision has no classifier named {name!r}; it has {', '.join(there)}, and of "
            f"pixels {', '.join(of_pixels)}.{did_you_mean(name, [*there, *of_pixels])}"
        )
    options = _TORCHVISION_OPTIONS.get(name, {})
    if name in of_pixels:
        options = {"weights_backbone": None}  # else they would be downloaded
    network: nn.Module = zoo.get_model(name, weights=None, num_classes=num_classes, **options)
    _narrow(name, network, channels)
    return network


def _timm(name: str, *, num_classes: int, channels: int) -> nn.Module:
    try:
        import timm
    except ModuleNotFoundError:
        raise ModelError(
            f"the network 'timm/{name}' needs timm, which is not installed. "
            f'Run: pip install "tutelage[timm]"'
        ) from None
    if not timm.is_model(name):
        raise ModelError(
            f"timm {timm.__version__} has no model named {name!r}."
            f"{did_you_mean(name, timm.list_models())} `timm.list_models()` lists them all."
        )
    network: nn.Module = timm.create_model(
        name, pretrained=False, num_classes=num_classes, in_chans=channels
    )
    return network


_SOURCES: dict[str, Source] = {"torchvision": _torchvision, "timm": _timm}


def _imported(name: str, *, num_classes: int, channels: int) -> nn.Module:
    """Import ``package.module:function`` and call it."""
    builder, parameters = _load(name)
    keywords = any(parameter.kind is Parameter.VAR_KEYWORD for parameter in parameters.values())
    if "num_classes" not in parameters and not keywords:
        raise ModelError(
            f"{name!r} must take the number of classes: its parameters are "
            f"({', '.join(map(str, parameters.values()))}). Add a parameter `num_classes`."
        )
    # Keywords that are merely passed on are no promise that `channels` is understood.
    takes_channels = "channels" in parameters
    try:
        network = builder(
            num_classes=num_classes, **({"channels": channels} if takes_channels else {})
        )
    except Exception as error:
        raise ModelError(
            f"{name!r} should build a network: called with num_classes={num_classes}"
            f"{f', channels={channels}' if takes_channels else ''} it raised "
            f"{type(error).__name__}: {error}. Mend it, or call it by hand to see where."
        ) from error
    if not isinstance(network, nn.Module):
        raise ModelError(
            f"{name!r} must return a torch.nn.Module: it returned {type(network).__name__}. "
            f"Return the network itself."
        )
    convolution = _first_convolution(network)
    if not takes_channels and convolution and convolution.in_channels != channels:
        raise ModelError(
            f"{name!r} must read pictures of {channels} channels: its first convolution reads "
            f"{convolution.in_channels}. Add a parameter `channels`, and build with it."
        )
    return network


def _load(name: str) -> tuple[Callable[..., object], dict[str, Parameter]]:
    path, _, attribute = name.partition(":")
    try:
        module = import_module(path)
    except Exception as error:  # whatever the file of a stranger raises
        raise ModelError(
            f"{name!r} should name an importable module before the colon: importing {path!r} "
            f"raised {type(error).__name__}: {error}. Check the spelling and PYTHONPATH."
        ) from error
    builder = getattr(module, attribute, None)
    if not callable(builder):
        there = [word for word in vars(module) if callable(getattr(module, word))]
        raise ModelError(
            f"{name!r} should name a function after the colon: module {path!r} has no function "
            f"{attribute!r}.{did_you_mean(attribute, there)}"
        )
    try:
        return builder, dict(signature(builder).parameters)
    except ValueError as error:
        raise ModelError(
            f"{name!r} must have a readable signature: {error}. Wrap it in a Python function "
            f"with a parameter `num_classes`."
        ) from error


def _first_convolution(network: nn.Module) -> nn.Conv2d | None:
    return next((part for part in network.modules() if isinstance(part, nn.Conv2d)), None)


def _narrow(name: str, network: nn.Module, channels: int) -> None:
    """Let a network made for colour read fewer channels.

    The weights are fresh, so the first `channels` planes of the first convolution are one more
    draw from the initialiser of the family.
    """
    old = _first_convolution(network)
    if old is None or channels > old.in_channels:
        raise ModelError(
            f"torchvision's {name!r} reads at most 3 channels: channels is {channels}. "
            f"Build a network of the zoo or of timm, or write package.module:function."
        )
    if channels == old.in_channels:
        return
    old.in_channels = channels
    old.weight = nn.Parameter(old.weight.detach()[:, :channels].clone())


def _torchvision_stages(name: str, module: nn.Module) -> dict[str, str]:
    if name.startswith("vgg"):
        return _vgg_stages(module)
    if name.startswith("vit"):
        layers = module.get_submodule("encoder.layers").named_children()
        return {f"stage{n}": f"encoder.layers.{path}" for n, (path, _) in enumerate(layers, 1)}
    for pattern, paths in _TORCHVISION_STAGES.items():
        if re.fullmatch(pattern, name):
            return dict(paths)
    return {}


def _vgg_stages(module: nn.Module) -> dict[str, str]:
    """Return what stands before each max-pooling, and what the last layer gets."""
    layers = list(module.get_submodule("features").children())
    ends = [n - 1 for n, layer in enumerate(layers) if isinstance(layer, nn.MaxPool2d)]
    names = ["stem", *(f"stage{n}" for n in range(1, len(ends)))]
    paths = {name: f"features.{end}" for name, end in zip(names, ends, strict=True)}
    return {**paths, "pooled": "classifier.5"}


def _timm_stages(module: nn.Module) -> dict[str, str]:
    features = [(info["module"], info["reduction"]) for info in getattr(module, "feature_info", [])]
    inside = {path for path, _ in module.named_modules()}
    if not inside.issuperset(path for path, _ in features):
        return {}  # some transformers name features that only timm's own extractor can find
    has_stem = bool(features) and features[0][1] <= 2  # pixels of the picture per pixel
    paths = {
        f"stage{n}" if n else "stem": path
        for n, (path, _) in enumerate(features, 0 if has_stem else 1)
    }
    # Other heads put layers between the pooling and the classifier.
    if isinstance(getattr(module, "fc", None), nn.Linear) and hasattr(module, "global_pool"):
        paths["pooled"] = "global_pool"
    return paths
