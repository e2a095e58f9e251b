"""A student in a file that others can run, checked by running it."""

import json
from collections.abc import Callable, Sequence
from copy import deepcopy
from dataclasses import asdict, dataclass
from importlib.util import find_spec
from io import BytesIO
from pathlib import Path

import torch
from safetensors.torch import load, save
from torch import Tensor, nn

import tutelage
from tutelage import models
from tutelage.config import RunConfig, StudentConfig, override
from tutelage.data import DataSet
from tutelage.engine.build import import_files, load_data
from tutelage.engine.checkpoint import load_weights, read_weights
from tutelage.engine.remake import build_finished
from tutelage.engine.reread import FILES
from tutelage.engine.view import View
from tutelage.errors import ConfigError, DataError, ModelError, RecordError
from tutelage.record import Run, file_sha256, read_run, replacing

Shape = tuple[int, int, int]
"""Channels, height and width of a picture."""

Runner = Callable[[Tensor], Tensor]
"""Pictures ``[B, channels, height, width]`` to logits ``[B, C]``."""

Reader = Callable[[bytes], Runner]
"""What is in a file to what it does."""

PICTURES = 64  # on which the file is compared with the student
TOLERANCE = 1e-4  # of the largest logit
KEY = "tutelage"  # under which each format holds the metadata, one JSON object


@dataclass(frozen=True, slots=True)
class Card:
    """What the metadata of the file say. What only the data tell is None where they are missing."""

    run: str  # id
    network: str  # its name
    student_sha256: str  # of the weights in the run folder
    input_shape: Shape
    num_classes: int
    classes: tuple[str, ...] | None
    mean: tuple[float, ...] | None  # per channel, of pictures in 0..1, as the network takes them
    std: tuple[float, ...] | None
    version: str = tutelage.__version__  # of the toolkit

    def dumps(self) -> str:
        """Return it as JSON, keys sorted; what is not known is left out."""
        told = {key: value for key, value in asdict(self).items() if value is not None}
        return json.dumps(told, sort_keys=True, ensure_ascii=False)


@dataclass(frozen=True, slots=True)
class Export:
    """What was written, and how it compared with the student."""

    path: Path
    size_bytes: int
    card: Card
    pictures: str  # which they were
    count: int  # of pictures
    difference: float  # the largest of any logit
    scale: float  # the size of the student's largest logit


def export(
    folder: Path,
    form: str,
    out: Path | None = None,
    *,
    which: str = "last",
    overrides: Sequence[str] = (),
    input_shape: Shape | None = None,
) -> Export:
    """Write the student of a run as ``safetensors``, ``onnx`` or ``pt2`` (of torch.export).

    What is written takes pictures ``[B, channels, height, width]`` for any B, of the size and the
    normalisation that the card names, which are the student's own, and gives logits ``[B, C]``
    (safetensors holds the weights alone). Before it is put in place it is read
    back, run, and compared with the student; see `compare`. The pictures are those of the run's
    test split, or random ones where the data are not there.

    Args:
        folder: the run folder.
        form: the format.
        out: the file; otherwise it is named after the run, in the current folder.
        which: the student at its ``last`` or ``best`` epoch.
        overrides: keys of the recipe set anew, such as ``data.root=PATH``.
        input_shape: how large pictures are, for where the data are not there to tell.

    Raises:
        ConfigError: an unknown format or epoch, or a place where `out` cannot be.
        RecordError: there is no such student in the run, or it was changed since.
        DataError: the data are not there, and `input_shape` does not stand in for them.
        ModelError: a package is missing, the network cannot be written in this format, or what was
            written does not agree with the student. What was at `out` before stays.
    """
    if form not in FORMATS or which not in FILES:
        raise ConfigError(
            f"a student is exported as {', '.join(FORMATS)}, at its last or best epoch; asked for "
            f"were {form!r} and {which!r}."
        )
    if form == "onnx":
        _demand_onnx()
    run = read_run(folder)
    path = _place(out or Path(f"{run.id}{'' if which == 'last' else '-best'}.{form}"), run)
    sha256 = _student_sha256(run, which)
    config = override(run.config, overrides)
    import_files(config.run.imports)
    data, why = _data(config, input_shape)
    if data and data.spec.task == "pixels":
        raise ConfigError(
            f"an export is of networks that give one row of scores a picture, and that of "
            f"{run.id} gives maps; its weights are {run.path / FILES[which]}."
        )
    view = View.of(config.student, data.spec) if data else None
    shape = view.shape if view else _without_data(config.student, input_shape)
    network = _network(config, run.path / FILES[which], data, shape)
    pictures = view(_test_pictures(data)) if data and view else _random_pictures(shape)
    with torch.inference_mode():
        num_classes = network(pictures[:1]).shape[1]
    card = Card(
        run=run.id,
        network=config.student.name,
        student_sha256=sha256,
        input_shape=shape,
        num_classes=num_classes,
        classes=data.spec.classes if data else None,
        mean=view.mean if view else config.student.mean or None,
        std=view.std if view else config.student.std or None,
    )
    content, read = FORMATS[form](network, card)
    with replacing(path) as draft:
        draft.write_bytes(content)
        difference, scale = compare(network, read(draft.read_bytes()), pictures)
    source = f"the test split of {data.spec.name}." if data else f"random numbers, because {why}"
    return Export(path, len(content), card, source, len(pictures), difference, scale)


def compare(student: Runner, other: Runner, pictures: Tensor) -> tuple[float, float]:
    """Return the largest difference of any logit, and the size of the student's largest logit.

    The student gets the pictures ``[N, channels, height, width]`` at once, `other` in batches of
    1, 5 and the rest.

    Raises:
        ModelError: a logit differs by more than `TOLERANCE` of the largest, or a picture gets
            another class.
    """
    batches = [batch for batch in (pictures[:1], pictures[1:6], pictures[6:]) if len(batch)]
    with torch.inference_mode():
        wanted, got = student(pictures), torch.cat([other(batch) for batch in batches])
    difference, scale = float((got - wanted).abs().max()), float(wanted.abs().max())
    moved = int((got.argmax(1) != wanted.argmax(1)).sum())
    if moved or not difference <= TOLERANCE * scale:  # so that NaN does not pass
        raise ModelError(
            f"the file must agree with the student to {TOLERANCE:g} of its largest logit "
            f"({scale:.4g}), but a logit differs by {difference:.4g}, and {moved} of "
            f"{len(pictures)} pictures get another class; it was deleted. Choose another format."
        )
    return difference, scale


def _write_safetensors(network: nn.Module, card: Card) -> tuple[bytes, Reader]:
    # clone(): safetensors refuses tensors that share memory, as tied weights do.
    weights = {key: value.contiguous().clone() for key, value in network.state_dict().items()}

    def read(content: bytes) -> Runner:
        fresh = deepcopy(network)  # every weight of which the file must hold
        fresh.load_state_dict(load(content))
        return fresh.eval()

    # One key alone: safetensors writes several in an order that changes from run to run.
    return save(weights, metadata={KEY: card.dumps()}), read


def _write_pt2(network: nn.Module, card: Card) -> tuple[bytes, Reader]:
    program, file = _trace(network, card), BytesIO()
    torch.export.save(program, file, extra_files={KEY: card.dumps()})
    return file.getvalue(), lambda content: torch.export.load(BytesIO(content)).module()


def _write_onnx(network: nn.Module, card: Card) -> tuple[bytes, Reader]:
    import onnxruntime

    graph = _trace(network, card)
    try:
        program = torch.onnx.export(
            graph,
            (),
            dynamo=True,
            input_names=["images"],
            output_names=["logits"],
            dynamic_shapes=({0: "batch"},),
            verbose=False,
        )
    except torch.onnx.OnnxExporterError as error:
        raise ModelError(
            f"{card.network} should have a form in ONNX, but the exporter says {error} Export it "
            f"as pt2 or safetensors."
        ) from error
    assert program is not None  # with dynamo=True it never is
    model = program.model_proto
    model.metadata_props.add(key=KEY, value=card.dumps())

    def read(content: bytes) -> Runner:
        session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
        return lambda images: torch.from_numpy(session.run(None, {"images": images.numpy()})[0])

    return model.SerializeToString(), read


FORMATS: dict[str, Callable[[nn.Module, Card], tuple[bytes, Reader]]] = {
    "safetensors": _write_safetensors,
    "onnx": _write_onnx,
    "pt2": _write_pt2,
}


def _trace(network: nn.Module, card: Card) -> torch.export.ExportedProgram:
    """Return the network as a graph for any number of pictures."""
    # Blank pictures: the file keeps its example, which must not be one of the user's. Two of them:
    # a dimension of 1 would be taken for a constant.
    example = torch.zeros(2, *card.input_shape)
    batch = torch.export.Dim("batch", min=1)
    try:
        program = torch.export.export(network, (example,), dynamic_shapes=({0: batch},))
    except Exception as error:  # a tracer may raise anything of a stranger's network
        raise ModelError(
            f"{card.network} should be one graph for any number of pictures, but torch.export "
            f"says {type(error).__name__}: {error} Export it as safetensors."
        ) from error
    for node in program.graph.nodes:
        node.meta.pop("stack_trace", None)  # the paths of this machine
    return program


def _demand_onnx() -> None:
    missing = [name for name in ("onnx", "onnxscript", "onnxruntime") if find_spec(name) is None]
    if missing:
        raise ModelError(
            f"an export to onnx needs {', '.join(missing)}, not installed here. "
            f'Run: pip install "tutelage[onnx]"'
        )


def _place(path: Path, run: Run) -> Path:
    own = [(run.path / name).resolve() for name in FILES.values()]
    if path.is_dir() or not path.parent.is_dir() or path.resolve() in own:
        raise ConfigError(
            f"the export wants a file of its own in a folder that is there; {path} is none. Give "
            f"another with --out."
        )
    return path


def _student_sha256(run: Run, which: str) -> str:
    file, result = run.path / FILES[which], run.result
    if not file.is_file():
        why = "it keeps none without a validation split" if result else "it is unfinished"
        raise RecordError(
            f"the run {run.path} has no student at its {which} epoch: {why}. "
            f"{'Export the last one' if result else 'Go on with it by --resume'}."
        )
    sha256 = file_sha256(file)
    recorded = {
        "last": result and result.student_sha256,
        "best": result and result.student_best_sha256,
    }[which]
    if recorded and recorded != sha256:
        raise RecordError(
            f"{file} must be what the run wrote (SHA-256 {recorded[:12]}); it was changed since "
            f"(now {sha256[:12]}). Bring it back from a copy, or train the run anew."
        )
    return sha256


def _data(config: RunConfig, input_shape: Shape | None) -> tuple[DataSet | None, str]:
    """Return the run's data, or None and why there are none."""
    try:
        return load_data(config), ""
    except (DataError, ConfigError) as error:
        if input_shape is None:
            raise DataError(
                f"the run's data are wanted, to know how large its pictures are: {error} If they "
                f"lie elsewhere now, give --set data.root=PATH; without them, give --input 3x32x32 "
                f"(channels, height, width)."
            ) from error
        return None, str(error)


def _network(config: RunConfig, file: Path, data: DataSet | None, shape: Shape) -> nn.Module:
    if data:
        num_classes = data.spec.num_classes
    else:
        num_classes = _count_classes(config.student.name, file, shape[0])
    network = build_finished(config, read_weights(file), image_shape=shape, num_classes=num_classes)
    load_weights(network, file)
    models.probe(network, shape)
    return network.eval()


def _without_data(student: StudentConfig, input_shape: Shape | None) -> Shape:
    assert input_shape is not None  # or `_data` had raised
    channels, height, width = input_shape
    return channels, student.image_size or height, student.image_size or width


def _count_classes(name: str, file: Path, channels: int) -> int:
    """Return for how many classes weights are: by where a network of two classes differs."""
    weights = read_weights(file)
    two = models.build(name, num_classes=2, channels=channels).state_dict()
    others = {
        len(weights[key])
        for key, value in two.items()
        if key in weights and value.shape[:1] == (2,) and value.shape != weights[key].shape
    }
    if len(others) > 1:
        raise ModelError(
            f"{file} does not tell for how many classes {name} was built; name the place of the "
            f"data with --set data.root=PATH."
        )
    return others.pop() if others else 2


def _test_pictures(data: DataSet) -> Tensor:
    places = torch.linspace(0, len(data.test) - 1, min(PICTURES, len(data.test))).round().long()
    return next(data.test.batches([places], augment=False, seed=0, epoch=0)).images


def _random_pictures(shape: Shape) -> Tensor:
    """Return pictures as normalised ones are: with mean 0 and standard deviation 1."""
    return torch.randn(PICTURES, *shape, generator=torch.Generator().manual_seed(0))
