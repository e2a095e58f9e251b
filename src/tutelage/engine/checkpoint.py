"""Checkpoints: all that a run needs to go on, bit for bit, written whole or not at all."""

from argparse import Namespace
from collections.abc import Mapping
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import numpy as np
import torch
from lightning_fabric import Fabric
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.serialization import safe_globals

from tutelage.engine.processes import from_processes
from tutelage.errors import ModelError, RecordError, did_you_mean
from tutelage.record import replacing

NAME = "checkpoint.pt"

_SCALAR = np.float64(0).__reduce__()[0]
HARMLESS: list[Any] = [
    Namespace,  # RepDistiller's last checkpoint keeps its command line beside the weights
    np.dtype,  # and an accuracy may be a number of NumPy, by either name of its module
    np.dtypes.Float32DType,
    np.dtypes.Float64DType,
    (_SCALAR, "numpy.core.multiarray.scalar"),
    (_SCALAR, "numpy._core.multiarray.scalar"),
]
"""What a file of weights may hold beside tensors and plain values: nothing of it runs anything."""


def save(fabric: Fabric, path: Path, state: dict[str, Any]) -> None:
    """Write `state` (modules, optimiser, plain values) and the random state of every process.

    The old file stays until the new one lies whole on the disk; a kill at any moment leaves one of
    the two.
    """
    random = from_processes(fabric, torch.get_rng_state())
    with replacing(path) if fabric.is_global_zero else nullcontext(path) as draft:
        fabric.save(draft, state | {"random": random})
    fabric.barrier()


def load(fabric: Fabric, path: Path, state: dict[str, Any]) -> dict[str, Any]:
    """Load what `save` wrote into the modules and the optimiser of `state`; return plain values.

    Raises:
        RecordError: the file cannot be read, or was written by another number of processes.
    """
    try:
        plain: dict[str, Any] = fabric.load(path, state, weights_only=True)
    except Exception as error:
        raise RecordError(f"the checkpoint {path} cannot be read: {error}") from error
    random = plain.pop("random")
    if len(random) != fabric.world_size:
        raise RecordError(
            f"the checkpoint {path} was written by {len(random)} processes and cannot be resumed "
            f"by {fabric.world_size}; resume with the same fabric.devices and fabric.nodes."
        )
    torch.set_rng_state(random[fabric.global_rank])
    return plain


def save_weights(path: Path, weights: Mapping[str, Tensor]) -> None:
    """Write the weights of a network as safetensors, whole or not at all."""
    # clone(): safetensors refuses tensors that share memory, as tied weights do.
    whole = {name: tensor.detach().cpu().contiguous().clone() for name, tensor in weights.items()}
    with replacing(path) as draft:
        save_file(whole, draft)


def read_weights(path: Path) -> dict[str, Tensor]:
    """Read a state dict from a run folder, a ``.safetensors`` file or a torch file.

    Torch files, whatever their ending, are read with ``weights_only=True``: no code in them runs.
    The usual wrappings (``model``, ``state_dict``, a ``module.`` prefix) are taken off, and of a
    student and its teacher in one file (``module.student.``, as in mdistiller's ``latest`` and
    ``best``) the student is taken.

    Raises:
        ModelError: there is no such file, or it holds no weights.
    """
    if path.is_dir():
        path = path / "student.safetensors"
    if not path.is_file():
        raise ModelError(f"there are no weights at {path}; give a run folder or a weights file.")
    try:
        if path.suffix == ".safetensors":
            return load_file(path)
        with safe_globals(HARMLESS):
            content = torch.load(path, map_location="cpu", weights_only=True)
    except (SafetensorError, OSError, RuntimeError, EOFError, ValueError, KeyError) as error:
        raise ModelError(f"the weights at {path} cannot be read: {error}") from error
    except Exception as error:  # the unpickler's own error class lies elsewhere by version
        raise ModelError(
            f"{path} holds more than weights, and is not opened: what it would run is not known. "
            f"Save the bare state dict and use that. ({type(error).__name__})"
        ) from error
    return _unwrap(path, content)


def _unwrap(path: Path, content: object) -> dict[str, Tensor]:
    for key in ("model", "state_dict"):
        if isinstance(content, Mapping) and isinstance(content.get(key), Mapping):
            content = content[key]
    if not isinstance(content, Mapping) or not content:
        raise ModelError(f"{path} must hold a state dict, got {type(content).__name__}.")
    if not all(isinstance(value, Tensor) for value in content.values()):
        raise ModelError(f"{path} must hold a state dict of tensors alone.")
    weights = {str(name).removeprefix("module."): tensor for name, tensor in content.items()}
    student = {
        name.removeprefix("student."): tensor
        for name, tensor in weights.items()
        if name.startswith("student.")
    }
    return student or weights


def load_weights(network: nn.Module, path: Path) -> None:
    """Load the weights at `path` into a network that must fit them exactly.

    A 1x1 convolution's weights fit a linear layer: on one pixel they are the same. Batch norms may
    lack the count of their batches, which old files, such as torchvision's first, do not have.

    Raises:
        ModelError: a key is missing or left over, or a shape differs; the message lists the first.
    """
    wanted = network.state_dict()
    weights = {
        name: _fitted(tensor, wanted.get(name, tensor))
        for name, tensor in read_weights(path).items()
    }
    missing = sorted(
        name for name in wanted.keys() - weights.keys() if not name.endswith("num_batches_tracked")
    )
    unexpected = sorted(weights.keys() - wanted.keys())
    reshaped = [
        f"{name} is {tuple(weights[name].shape)}, the network has {tuple(wanted[name].shape)}"
        for name in sorted(wanted.keys() & weights.keys())
        if weights[name].shape != wanted[name].shape
    ]
    faults = [
        _shortened("missing", missing),
        _shortened("unexpected", unexpected),
        _shortened("of another shape", reshaped),
    ]
    if any(faults):
        hint = did_you_mean(missing[0], unexpected) if missing else ""
        raise ModelError(
            f"the weights at {path} do not fit {type(network).__name__}: "
            f"{'; '.join(fault for fault in faults if fault)}.{hint}"
        )
    network.load_state_dict(weights)


def _fitted(tensor: Tensor, wanted: Tensor) -> Tensor:
    is_pointwise = tensor.ndim == 4 and tensor.shape[2:] == (1, 1)
    return tensor.flatten(1) if is_pointwise and wanted.ndim == 2 else tensor


def _shortened(what: str, names: list[str]) -> str:
    if not names:
        return ""
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return f"{what}: {', '.join(names[:3])}{more}"
