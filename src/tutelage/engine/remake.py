"""Students that their method changes, as they are taught and as a finished run left them."""

from collections.abc import Mapping

from torch import Tensor, nn

from tutelage.config import RunConfig
from tutelage.methods import Method, methods
from tutelage.models import Places, build, places
from tutelage.types import Task


def remake(
    kind: type[Method],
    student: nn.Module,
    found: Places,
    weights: Mapping[str, Tensor],
    classifier: str,
) -> None:
    """Let a method change the student, if that is what it does.

    `weights` hold those of the teacher's classifier, under the path `classifier`.
    """
    if not kind.remakes:
        return
    assert found.unpooled is not None  # or `pair` had refused the method
    prefix = f"{classifier}."
    own = {key.removeprefix(prefix): weights[key] for key in weights if key.startswith(prefix)}
    kind.remake(student, {"unpooled": found.unpooled.path, "classifier": found.classifier}, own)


def build_finished(
    config: RunConfig,
    weights: Mapping[str, Tensor],
    *,
    image_shape: tuple[int, int, int],
    num_classes: int,
) -> nn.Module:
    """Build the student of a finished run as its method left it, for its `weights` to be loaded."""
    name, kind = config.student.name, methods[config.method.name]
    task: Task = "labels" if num_classes == 1 else "classes"  # only labels can be one alone
    network = build(name, num_classes=num_classes, channels=image_shape[0], task=task)
    if kind.remakes:
        found = places(name, network, image_shape)
        remake(kind, network, found, weights, found.classifier)
    return network
