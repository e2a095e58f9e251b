"""The teacher: frozen, asked in one place, and checked to be the same at the end."""

import hashlib
from collections.abc import Callable, Mapping

import torch
from torch import Tensor, nn

from tutelage.engine.fold import Folded
from tutelage.engine.watch import Watch
from tutelage.errors import TeacherError
from tutelage.models import Place
from tutelage.types import Batch, Output, Task

FEWEST = 16
"""Pictures asked of at a time. Of fewer, arithmetic takes other paths, with other rounding.

Products of matrices do so of more as well, if they are wide and there are several threads: layers
of which a picture is one row compute so many rows at a time.
"""


class Teacher:
    """A network that only answers.

    It is put in evaluation mode and its parameters stop requiring gradients; its parameters,
    buffers and batch-norm statistics stay bit-identical, which `verify` checks. It is no
    ``nn.Module``, so nothing that holds it trains, saves or switches the mode of its network.

    Where there is a `quick` copy, that is the network which runs.
    """

    def __init__(
        self,
        network: nn.Module,
        taps: Mapping[str, Place] | None = None,
        view: Callable[[Tensor], Tensor] | None = None,
        task: Task = "classes",
        quick: Folded | None = None,
    ) -> None:
        self.network = network.eval().requires_grad_(False)
        self.quick = quick
        self.sha256 = state_sha256(network)
        asked = quick.network if quick else network
        for module in asked.modules():
            if type(module) is nn.Linear:  # whose kinds may compute something else
                # Before all other hooks, which see what it gives, or change it.
                module.register_forward_hook(_by_few_rows, prepend=True, with_kwargs=True)
        self.watch = Watch(asked, taps, view, task)
        self._sha256_of_quick = state_sha256(quick.network) if quick else ""
        self._of_weights = {
            name for name, place in (taps or {}).items() if place.side in ("weight", "bias")
        }

    def ask(self, batch: Batch) -> Output:
        """Return what the teacher says of these pictures: the one place where it runs.

        On a CPU, what it says of a picture does not depend on those beside it, nor on their number.
        """
        self.watch.network.eval()
        count = len(batch.images)
        with torch.inference_mode():
            answer = self.watch(_enough(batch.images))
        # A loss may save the answer for its backward pass, which inference tensors forbid.
        return Output(
            answer.logits[:count].clone(),
            {
                name: (tap if name in self._of_weights else tap[:count]).clone()
                for name, tap in answer.taps.items()
            },
        )

    def verify(self) -> None:
        """Check that not one bit of the teacher has changed.

        Raises:
            TeacherError: a parameter or buffer differs from what it was at the start.
        """
        found = {state_sha256(self.network): self.sha256}
        if self.quick:
            found[state_sha256(self.quick.network)] = self._sha256_of_quick
        for now, before in found.items():
            if now != before:
                raise TeacherError(
                    f"the teacher must stay as it was (SHA-256 {before[:12]}), but something "
                    f"changed its parameters or buffers (now {now[:12]}); what it taught is not "
                    f"known."
                )


def _enough(images: Tensor) -> Tensor:
    """Return `FEWEST` pictures at least: these, and where they are fewer, these again."""
    count = len(images)
    return images if count >= FEWEST else torch.cat([images] * -(-FEWEST // count))[:FEWEST]


def _by_few_rows(
    module: nn.Module, inputs: tuple[Tensor, ...], named: dict[str, Tensor], output: Tensor
) -> Tensor | None:
    """Compute rows ``[N, D]`` anew, `FEWEST` at a time, in place of what a linear layer gave."""
    (rows,) = (*inputs, *named.values())
    if rows.device.type != "cpu" or rows.dim() != 2 or len(rows) <= FEWEST:
        return None
    return torch.cat([module.forward(_enough(part)) for part in rows.split(FEWEST)])[: len(rows)]


def state_sha256(network: nn.Module) -> str:
    """Return the SHA-256 of every parameter and buffer: names, dtypes, shapes and bits."""
    digest = hashlib.sha256()
    for name, tensor in sorted(network.state_dict().items()):
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}\n".encode())
        flat = tensor.detach().cpu().contiguous().reshape(-1)
        digest.update(flat.view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()
