"""KD and DKD of rows of logits in C: compiled for the machine at hand when they are first wanted.

It takes a C compiler, as torch.compile does, and about a second; the library is kept for the next
process. Where there is none, the operations of torch in `_closed` do the same, if slower:
`computed_by` tells. TUTELAGE_COMPILED=0 in the environment keeps it so.
"""

import ctypes
import hashlib
import os
import platform
import shlex
import shutil
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import torch
from torch import Tensor

SOURCE = Path(__file__).with_suffix(".c")
COMPILERS = ("gcc", "cc")
FLAGS = (
    *("-std=c11", "-O3", "-march=native", "-fopenmp", "-fPIC"),
    *("-ffp-contract=off", "-fno-math-errno", "-fno-trapping-math"),
    *(("-mprefer-vector-width=512",) if platform.machine() == "x86_64" else ()),
)
PATIENCE = 120  # seconds with a compiler


class CompilerWarning(UserWarning):
    """There is a C compiler, but it did not make of the losses what can be used."""


class _Work(ctypes.Structure):
    _fields_ = (
        *((name, ctypes.c_void_p) for name in ("student", "teacher", "label")),
        *((name, ctypes.c_void_p) for name in ("at_label", "in_rest")),
        *((name, ctypes.c_int64) for name in ("at_label_step", "in_rest_step")),
        *((name, ctypes.c_void_p) for name in ("slope", "tckd", "nckd")),
        *((name, ctypes.c_int64) for name in ("rows", "classes")),
        *((name, ctypes.c_double) for name in ("temperature", "alpha", "beta", "coupling")),
    )


def computed_by() -> str:
    """Return what computes KD and DKD on the CPU: ``"C"``, or ``"torch"`` and the reason.

    >>> computed_by().split(":")[0] in ("C", "torch")
    True
    """
    library, why_not = _library()
    return "C" if library else f"torch: {why_not}"


def can_take(tensor: Tensor, dtype: torch.dtype) -> bool:
    """Tell whether `take_rows` can be given logits like these, once they are of this type."""
    return tensor.device.type == "cpu" and dtype == torch.float32 and _library()[0] is not None


def take_rows(
    student: Tensor,
    teacher: Tensor,
    label: Tensor | None,
    weights: Sequence[float],
    shares: Sequence[Tensor | float],
    slope: Tensor | None,
) -> tuple[Tensor, ...]:
    """Do what `_closed.walk` does; logits and gradient are ``[N, C]`` in float32, it contiguous."""
    library, _ = _library()
    assert library
    rows, classes = student.shape
    terms = student.new_empty(2, rows, 1)
    own, its = student.contiguous(), teacher.contiguous()
    at = None if label is None else label.contiguous()
    at_label, in_rest = (torch.as_tensor(each, dtype=torch.float32).contiguous() for each in shares)
    work = _Work(
        *(each if each is None else each.data_ptr() for each in (own, its, at, at_label, in_rest)),
        *(int(each.numel() > 1) for each in (at_label, in_rest)),
        None if slope is None else slope.data_ptr(),
        *(term.data_ptr() for term in terms),
        *(rows, classes),
        *weights,
    )
    failed = library.take_rows(ctypes.byref(work), torch.get_num_threads())
    if failed > 0:
        raise MemoryError(f"there is no memory for {classes} classes of two networks.")
    if failed < 0:
        raise IndexError(f"a label is none of the {classes} classes.")
    return tuple(terms.unbind()) if label is not None else (terms[1],)


@cache
def _library() -> tuple[ctypes.CDLL | None, str]:
    """Return the library, or why there is none."""
    if os.environ.get("TUTELAGE_COMPILED") == "0":
        return None, "TUTELAGE_COMPILED is 0"
    if sys.platform != "linux":  # where the threads of torch are found by OpenMP's names
        return None, "C is used on Linux alone"
    compiler = shlex.split(os.environ.get("CC", "")) or _first_there(COMPILERS)
    if not compiler:
        return None, f"there is no C compiler, {' or '.join(COMPILERS)}"
    try:
        library = _loaded(compiler)
        library.take_rows.argtypes = (ctypes.POINTER(_Work), ctypes.c_int)
    except (OSError, AttributeError, subprocess.SubprocessError) as error:
        why_not = f"{Path(compiler[0]).name} did not serve"
        warnings.warn(
            f"KD and DKD are computed by torch, which is slower than by C: {why_not} "
            f"({_told(error)}). Mend the compiler, or set TUTELAGE_COMPILED=0 to be told no more.",
            CompilerWarning,
            stacklevel=2,
        )
        return None, why_not
    return library, ""


def _told(error: Exception) -> str:
    """Return what a compiler or the loader says first."""
    lines = (getattr(error, "stderr", None) or "").strip().splitlines()
    if lines or not isinstance(error, subprocess.CalledProcessError):
        return str((lines or [error])[0])
    return f"it ended with {error.returncode} and told nothing"


def _first_there(names: Sequence[str]) -> list[str]:
    return [found for found in map(shutil.which, names) if found][:1]


def _loaded(compiler: list[str]) -> ctypes.CDLL:
    """Return the library, compiled unless a process before did so for the same processor."""
    means = (SOURCE.read_text(encoding="utf-8"), *compiler, *FLAGS, _processor())
    name = f"losses-{hashlib.sha256(chr(0).join(means).encode()).hexdigest()[:16]}.so"
    home = Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser() / "tutelage"
    if (home / name).is_file():
        return ctypes.CDLL(str(home / name))
    with _folder_in(home) as folder:
        part, whole = Path(folder, "part.o"), Path(folder, name)
        # Linked without OpenMP's library: torch has loaded its own, whose threads are shared so.
        for step in (
            [*FLAGS, "-c", str(SOURCE), "-o", str(part)],
            ["-shared", str(part), "-o", str(whole), "-lm"],
        ):
            subprocess.run(
                [*compiler, *step], check=True, capture_output=True, text=True, timeout=PATIENCE
            )
        library = ctypes.CDLL(str(whole))
        if Path(folder).parent == home:
            whole.replace(home / name)
    return library


def _folder_in(home: Path) -> tempfile.TemporaryDirectory[str]:
    """Return a folder to work in, elsewhere if it cannot be where libraries are kept."""
    try:
        home.mkdir(parents=True, exist_ok=True)
        return tempfile.TemporaryDirectory(dir=home)
    except OSError:
        return tempfile.TemporaryDirectory()


def _processor() -> str:
    """Return what a library for this machine hangs on: its kind of processor and its libc."""
    facts = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
    varying = (
        "processor",
        "cpu MHz",
        "core id",
        "apicid",
        "initial apicid",
        "bogomips",
        "BogoMIPS",
    )
    first = facts.partition("\n\n")[0].splitlines()
    lines = [line for line in first if not line.startswith(varying)]
    return "\n".join([*platform.libc_ver(), *lines])
