"""Where a result comes from: versions, commit, machine, memory."""

import os
import platform
import subprocess
import sys
from pathlib import Path

import tutelage
from tutelage.record.schema import Machine

PACKAGES = ("torch", "torchvision", "lightning-fabric", "numpy")


def versions() -> dict[str, str]:
    """Return the versions of Python, the toolkit and what it stands on; what is absent is left out.

    >>> sorted(versions())[-1], versions()["python"] == platform.python_version()
    ('tutelage', True)
    """
    found = {package: _version(package) for package in PACKAGES}
    return {
        "python": platform.python_version(),
        "tutelage": tutelage.__version__,
        **{package: version for package, version in found.items() if version},
    }


def source_commit() -> str:
    """Return the git commit of the toolkit's source, or its version where it is not git's.

    A package in a virtual environment inside somebody's repository is not of that repository, so
    git must know the file itself.
    """
    source = Path(tutelage.__file__)
    tracked = _git(source.parent, "ls-files", "--error-unmatch", source.name)
    return (tracked and commit(source.parent)) or f"tutelage {tutelage.__version__}"


def commit(folder: Path) -> str | None:
    """Return the git commit of a folder, with "-dirty" where tracked files were edited.

    None means that the folder is not in a git checkout, or that there is no git.
    """
    return _git(folder, "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*")


def machine(*, threads: int, accelerator: str = "cpu") -> Machine:
    """Return the facts of this machine; what only torch knows is given by the caller."""
    return Machine(
        platform=platform.platform(),
        processor=_processor(),
        accelerator=accelerator,
        cores=_cores(),
        threads=threads,
        memory_bytes=_memory_bytes(),
    )


def _version(package: str) -> str | None:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _git(folder: Path, *command: str) -> str | None:
    # Git hands these to its hooks; they would make it look at another repository.
    environment = {name: value for name, value in os.environ.items() if name[:4] != "GIT_"}
    try:
        answer = subprocess.run(
            ["git", "-C", str(folder), *command],
            env=environment,
            capture_output=True,
            text=True,
            timeout=10,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return answer.stdout.strip() or None if answer.returncode == 0 else None


def _processor() -> str:
    facts = Path("/proc/cpuinfo")
    if facts.is_file():
        for line in facts.read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def _cores() -> int:
    if sys.platform == "linux":
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


if sys.platform == "win32":
    import ctypes
    from ctypes import wintypes

    class _MemoryCounters(ctypes.Structure):
        _fields_ = (
            ("cb", wintypes.DWORD),
            ("PageFaultCount", wintypes.DWORD),
            ("PeakWorkingSetSize", ctypes.c_size_t),
            ("others", ctypes.c_size_t * 7),
        )

    def peak_memory_bytes() -> int:
        """Return the largest working set this process ever had, in bytes."""
        counters = _MemoryCounters(cb=ctypes.sizeof(_MemoryCounters))
        kernel = ctypes.WinDLL("kernel32", use_last_error=True)
        kernel.GetCurrentProcess.restype = wintypes.HANDLE
        read = kernel.K32GetProcessMemoryInfo
        read.argtypes = (wintypes.HANDLE, ctypes.c_void_p, wintypes.DWORD)
        if not read(kernel.GetCurrentProcess(), ctypes.byref(counters), counters.cb):
            raise ctypes.WinError(ctypes.get_last_error())
        return int(counters.PeakWorkingSetSize)

    def _memory_bytes() -> int | None:
        return None

else:
    import resource

    def peak_memory_bytes() -> int:
        """Return the most resident memory this process ever had, in bytes.

        It counts from the start of the process, not of the run. The systems tell it in KiB, but
        macOS in bytes.
        """
        # Linux first: its getrusage hands a process the peak of the parent that started it.
        status = Path("/proc/self/status")
        for line in status.read_text(encoding="utf-8").splitlines() if status.is_file() else ():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return peak if sys.platform == "darwin" else peak * 1024

    def _memory_bytes() -> int | None:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
