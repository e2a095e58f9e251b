"""Networks by name: the CIFAR zoo, the glyph pair, and those of torchvision, timm and anyone."""

from tutelage.models._model import Network, build, count_parameters, models, probe, stages

__all__ = ["Network", "build", "count_parameters", "models", "probe", "stages"]
