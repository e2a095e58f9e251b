"""Networks by name: the CIFAR zoo, the glyph pair, and those of torchvision, timm and anyone."""

from tutelage.models._answer import logits_of
from tutelage.models._model import Network, build, count_parameters, models, places, probe, stages
from tutelage.models._places import Place, Places, attach

__all__ = [
    "Network",
    "Place",
    "Places",
    "attach",
    "build",
    "count_parameters",
    "logits_of",
    "models",
    "places",
    "probe",
    "stages",
]
