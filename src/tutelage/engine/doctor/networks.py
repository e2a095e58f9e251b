"""Both networks: their weights, what they take and give, and how they stand to each other."""

from collections.abc import Mapping
from functools import partial
from pathlib import Path

import torch
from torch import Tensor, nn

from tutelage import models
from tutelage.config import RunConfig, StudentConfig, TeacherConfig
from tutelage.data import DataSet
from tutelage.engine.build import build_network
from tutelage.engine.checkpoint import load_weights, read_weights
from tutelage.engine.doctor.chart import Chart, row, some
from tutelage.engine.teacher import state_sha256
from tutelage.engine.view import View
from tutelage.errors import ModelError
from tutelage.models import count_parameters, probe


def look_at_names(chart: Chart, who: str, name: str, weights: str) -> None:
    """Without data, say what can be known of a network."""
    network = chart.attempt(who, models.build, name, num_classes=10) if name else None
    if network:
        chart.ok(who, f"{name} can be built; it was not run, for want of data.")
    if weights:
        chart.attempt(f"{who} weights", read_weights, Path(weights).expanduser())


def fitting(
    chart: Chart, who: str, section: StudentConfig | TeacherConfig, data: DataSet
) -> tuple[nn.Module | None, str]:
    """Return a network that fits the data, and the path of the weights in it.

    Weights that do not fit are left out, and the path is empty.
    """
    name, weights = section.name, section.weights
    network = chart.attempt(who, build_network, name, "", data) if name else None
    view = chart.attempt(who, View.of, section, data.spec)
    if network is None or view is None or not _fits(chart, who, name, network, view, data):
        return None, ""
    if not weights:
        return network, ""
    path = Path(weights).expanduser()
    layout = chart.attempt(f"{who} weights", _load, network, path, data.spec.num_classes)
    if layout is None:
        return build_network(name, "", data), ""  # broken ones may have been loaded
    chart.ok(f"{who} weights", f"{path} fits: {layout}.")
    if not path.is_dir():
        _look_at_origin(chart, who, name, view)
    return network, weights


def _fits(chart: Chart, who: str, name: str, network: nn.Module, view: View, data: DataSet) -> bool:
    spec = data.spec
    shapes = chart.attempt(who, partial(probe, task=spec.task), network, view.shape)
    if shapes is None:
        return False
    if shapes["logits"][0] != spec.num_classes:
        chart.error(
            who,
            f"{name} scores {shapes['logits'][0]} classes, {spec.name} has {spec.num_classes}.",
            "Let it heed the `num_classes` that it is called with.",
        )
        return False
    chart.ok(
        who,
        f"{name}, {count_parameters(network):,} parameters: takes "
        f"{' x '.join(map(str, view.shape))}, scores {spec.num_classes} classes.",
    )
    return True


def _load(network: nn.Module, path: Path, num_classes: int) -> str:
    """Load weights and say how the file is laid out."""
    weights = read_weights(path)
    try:
        load_weights(network, path)
    except ModelError as error:
        raise ModelError(f"{error} {_why_unfit(network, weights, num_classes)}") from error
    if broken := [key for key, value in weights.items() if not value.isfinite().all()]:
        raise ModelError(
            f"the weights at {path} must be finite: {some(broken)} are not. Take an earlier "
            f"checkpoint."
        )
    if path.is_dir():
        return "the student of that run"
    if path.suffix == ".safetensors":
        return f"a safetensors file of {len(weights)} tensors"
    content = torch.load(path, map_location="cpu", weights_only=True)
    if all(isinstance(value, Tensor) for value in content.values()):
        return f"a torch file, a bare state dict of {len(content)} tensors"
    return f"a torch file with the keys {some(list(content))}, one of them the state dict"


def _why_unfit(network: nn.Module, weights: Mapping[str, Tensor], num_classes: int) -> str:
    wanted = network.state_dict()
    differ = [
        (tuple(own.shape), tuple(weights[key].shape))
        for key, own in wanted.items()
        if key in weights and own.shape != weights[key].shape
    ]
    heads = {its[0] for own, its in differ if own[:1] == (num_classes,) and own[1:] == its[1:]}
    if differ and len(heads) == 1 and wanted.keys() == weights.keys():
        return (
            f"They score {heads.pop()} classes, the data have {num_classes}: give weights that "
            f"were trained on these classes."
        )
    return "Name the network these weights are of, or give other weights."


def _look_at_origin(chart: Chart, who: str, name: str, view: View) -> None:
    """Compare what a network from outside would see with what its published weights want to."""
    wanted = _published_input(name)
    if wanted is None or len(wanted[0]) != view.shape[0]:
        return
    mean, std, size = wanted
    gaps = [abs(a - b) for a, b in zip((*mean, *std), (*view.mean, *view.std), strict=True)]
    if max(gaps) > 0.02 or size != view.shape[1]:
        keys = f"{who}.image_size={size} {who}.mean={list(mean)} {who}.std={list(std)}"
        chart.warn(
            f"{who} weights",
            f"the published weights of {name} want mean {row(mean)}, std {row(std)} and "
            f"{size} pixels a side; it would see mean {row(view.mean)}, std {row(view.std)} and "
            f"{view.shape[1]} pixels.",
            f"If these weights are the published ones, set {keys.replace(', ', ',')}; if they were "
            f"trained on data like these, all is well.",
        )


def _published_input(name: str) -> tuple[tuple[float, ...], tuple[float, ...], int] | None:
    source, _, rest = name.partition("/")
    if source == "torchvision":
        from torchvision.models import get_model_weights

        view = get_model_weights(rest).DEFAULT.transforms()
        side = getattr(view, "crop_size", None) or view.resize_size  # none is cut for pixels
        return tuple(view.mean), tuple(view.std), side[0]
    if source == "timm":
        import timm

        card = timm.get_pretrained_cfg(rest)
        return (tuple(card.mean), tuple(card.std), card.input_size[-1]) if card else None
    return None


def look_at_pair(chart: Chart, student: nn.Module, teacher: nn.Module) -> None:
    """Compare the student with its teacher."""
    if state_sha256(student) == state_sha256(teacher):
        chart.warn(
            "pair",
            "student and teacher are one network with one set of weights.",
            "Start the student from fresh weights: leave student.weights out.",
        )
        return
    own, its = count_parameters(student), count_parameters(teacher)
    student_shapes, teacher_shapes = (
        {key: value.shape for key, value in network.state_dict().items()}
        for network in (student, teacher)
    )
    same = student_shapes == teacher_shapes
    alike = "; both are the same network, so this is self-distillation" if same else ""
    chart.ok("pair", f"the teacher has {its / own:.3g} times the student's parameters{alike}.")


def look_at_norms(chart: Chart, config: RunConfig, student: nn.Module) -> None:
    """Say when batch norm has too few pictures to take a mean of."""
    kinds = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d)
    parts = config.fabric.devices * config.fabric.nodes * config.train.accumulate
    part = config.train.batch_size // parts
    if part < 8 and any(isinstance(module, kinds) for module in student.modules()):
        chart.warn(
            "batch norm",
            f"the student's batch norm sees only {part} pictures at a time.",
            "Raise train.batch_size, or lower train.accumulate or fabric.devices.",
        )
