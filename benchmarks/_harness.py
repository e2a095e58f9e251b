"""The one way in which benchmarks measure, print, write and draw.

What is compared is run in turn, A B A B, so that the machine's own speed cancels in each round's
ratio; the figure to quote is the median of these. A bench is a file ``benchmarks/bench_<stem>.py``:

    '''What softmax costs beside log_softmax.

    python -m benchmarks softmax
    '''

    def main() -> None:
        '''Measure, print and write.'''
        given = parsed(parser(__doc__, "softmax"))
        report = Report("times as fast as log_softmax", given.out)
        for classes in (100,) if given.small else (100, 1000):
            logits = torch.randn(64, classes)
            seconds = in_turn(
                {"softmax": lambda: logits.softmax(1), "log": lambda: logits.log_softmax(1)},
                rounds=given.rounds,
            )
            report.add(
                f"64 x {classes}",
                ratio=Ratio.of(seconds["log"], seconds["softmax"]),  # above 1: softmax is faster
                bar=1.1,  # what is aimed at, if anything
                milliseconds=milliseconds(seconds["softmax"]),
                extra_bytes=extra_peak_bytes(partial(prepared, classes)),  # columns of its own
            )
        report.finish()


    if __name__ == "__main__":
        main()

It is then found by ``python -m benchmarks``, and writes ``softmax.csv``, ``.png`` and ``.svg`` into
``benchmarks/results``. Run small, it writes only where ``--out`` says.
"""

import argparse
import csv
import ctypes
import gc
import platform
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timezone
from multiprocessing import get_context
from pathlib import Path
from statistics import median, quantiles

import matplotlib as mpl
import torch
import torchvision
from matplotlib.figure import Figure
from rich.console import Console
from rich.table import Table

from tutelage.losses import computed_by
from tutelage.record import machine, peak_memory_bytes

RESULTS = Path(__file__).parent / "results"
BAR, AIM = "#7f9bb8", "#b4451f"

Cell = str | int | float


def parser(doc: str | None, stem: str, *, rounds: int = 20) -> argparse.ArgumentParser:
    """Return the parser of a bench's flags, to which it may add its own."""
    made = argparse.ArgumentParser(
        f"python -m benchmarks {stem}",
        description=doc,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    made.add_argument("--rounds", type=int, default=rounds, help=f"at least 2 ({rounds})")
    made.add_argument("--threads", type=int, default=0, help="of torch; 0 leaves them (0)")
    made.add_argument(
        "--small", action="store_true", help="a trial: seconds, and no figures of use"
    )
    made.add_argument("--out", type=Path, help=f"the CSV to write (benchmarks/results/{stem}.csv)")
    made.set_defaults(stem=stem)
    return made


def parsed(flags: argparse.ArgumentParser) -> argparse.Namespace:
    """Return what the command line says, and give torch its threads.

    Of a small run `rounds` is 2, and `out` is None where it was not given.
    """
    given = flags.parse_args()
    if given.rounds < 2:
        flags.error(f"quartiles want --rounds of at least 2, got {given.rounds}")
    torch.set_num_threads(given.threads or torch.get_num_threads())
    if given.small:
        given.rounds = 2
    elif given.out is None:
        given.out = RESULTS / f"{given.stem}.csv"
    return given


def in_turn(
    contenders: Mapping[str, Callable[[], object]],
    *,
    rounds: int,
    warmup: int = 2,
    turn_seconds: float = 0.0,
) -> dict[str, list[float]]:
    """Return the seconds of a call of each contender, round by round: A B A B.

    `warmup` rounds before do not count. A turn that is to take `turn_seconds` holds so many calls,
    counted once for each contender, and the mean of these is its time: for what is so short that
    the clock would be seen.
    """
    calls = dict.fromkeys(contenders, 1)
    for _ in range(warmup):
        for name, contender in contenders.items():
            calls[name] = max(1, round(turn_seconds / _seconds(contender, 1)))
    found: dict[str, list[float]] = {name: [] for name in contenders}
    for _ in range(rounds):
        for name, contender in contenders.items():
            found[name].append(_seconds(contender, calls[name]))
    return found


def _seconds(contender: Callable[[], object], calls: int) -> float:
    started = time.perf_counter()
    for _ in range(calls):
        contender()
    return (time.perf_counter() - started) / calls


def milliseconds(seconds: Iterable[float]) -> float:
    """Return the median, in milliseconds."""
    return round(1000 * median(seconds), 4)


@dataclass(frozen=True, slots=True)
class Ratio:
    """The median of ratios taken round by round, their quartiles, and how many there were.

    >>> Ratio.of([2.0, 4.0, 6.0], [1.0, 1.0, 2.0])
    Ratio(median=3.0, low=2.0, high=4.0, rounds=3)
    """

    median: float
    low: float
    high: float
    rounds: int

    @classmethod
    def of(cls, above: Sequence[float], below: Sequence[float]) -> "Ratio":
        """Return the ratios of what was measured in the same rounds."""
        ratios = [one / other for one, other in zip(above, below, strict=True)]
        low, middle, high = quantiles(ratios, n=4)
        return cls(middle, low, high, len(ratios))


def extra_peak_bytes(prepare: Callable[[], Callable[[], object]]) -> int:
    """Return the memory that a function takes at its peak beyond what was there before its call.

    `prepare` makes the inputs and returns the function; what that returns is held, and so counts.
    Both happen in a fresh process: give a function of a module's top level, or a partial of one.
    On Linux the function is called once before, for the code and the workspaces that only a first
    call brings in. Elsewhere a process cannot forget its peak: they count there, and a preparation
    that took more than it kept hides as much.
    """
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as fresh:
        return fresh.submit(_extra_peak_bytes, prepare, torch.get_num_threads()).result()


def _extra_peak_bytes(prepare: Callable[[], Callable[[], object]], threads: int) -> int:
    torch.set_num_threads(threads)
    function = prepare()
    if sys.platform == "linux":
        function()
        gc.collect()
        library = ctypes.CDLL(None)
        if hasattr(library, "malloc_trim"):  # of glibc: else freed memory would serve again unseen
            library.malloc_trim(0)
        Path("/proc/self/clear_refs").write_text("5", encoding="utf-8")  # forgets the peak
    before = peak_memory_bytes()
    held = function()
    extra = peak_memory_bytes() - before
    del held
    return extra


def facts() -> dict[str, Cell]:
    """Return what a measurement depends on beside the code."""
    here = machine(threads=torch.get_num_threads())
    capability = torch.backends.cpu.get_cpu_capability()
    return {
        "threads": here.threads,
        "cores": here.cores,
        "machine": f"{here.processor}, {platform.machine()}, {capability}",
        "python": platform.python_version(),
        "torch": torch.__version__,
        "torchvision": torchvision.__version__,
        "losses": computed_by(),
        "date": datetime.now(timezone.utc).date().isoformat(),
    }


class Report:
    """The lines of a bench: printed as a table, written as CSV, drawn as bars.

    Args:
        ratio_name: what a ratio says, such as "times as fast as the textbook".
        out: the CSV; figures go beside it. None writes nothing.
        case: the name of the first column.
    """

    def __init__(self, ratio_name: str, out: Path | None, *, case: str = "case") -> None:
        self.ratio_name, self.out, self.case = ratio_name, out, case
        self.facts = facts()
        self.lines: list[dict[str, Cell]] = []
        self._bars: list[tuple[str, Ratio, float | None]] = []
        self._console = Console(width=None if sys.stdout.isatty() else 160)
        told = (f"{name} {value}" for name, value in self.facts.items())
        self._console.print(" | ".join(told), highlight=False)

    def add(
        self, label: str, *, ratio: Ratio | None = None, bar: float | None = None, **columns: Cell
    ) -> None:
        """Add a line, and say so at once; without a ratio it has no bar in the figure."""
        line: dict[str, Cell] = {self.case: label, **columns}
        if ratio:
            line["ratio"] = round(ratio.median, 3)
            line["ratio_quartiles"] = f"{ratio.low:.3f} {ratio.high:.3f}"
            line["rounds"] = ratio.rounds
            self._bars.append((label, ratio, bar))
        if bar is not None:
            line["bar"] = bar
        self.lines.append(line)
        told = (f"{name} {value}" for name, value in line.items())
        self._console.print("  ".join(told), highlight=False)

    def finish(self) -> None:
        """Print the table, and write it and its figure where they belong."""
        names = list(dict.fromkeys(name for line in self.lines for name in line))
        table = Table(title=self.ratio_name, title_justify="left")
        for name in names:
            table.add_column(name, justify="left" if name == self.case else "right")
        for line in self.lines:
            table.add_row(*(str(line.get(name, "")) for name in names))
        self._console.print(table)
        if self.out is None:
            return
        self.out.parent.mkdir(parents=True, exist_ok=True)
        with self.out.open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, [*names, *self.facts], lineterminator="\n")
            writer.writeheader()
            writer.writerows(line | self.facts for line in self.lines)
        if self._bars:
            self._draw()
        self._console.print(f"Written to {self.out}", highlight=False)

    def _draw(self) -> None:
        """Draw each ratio as a bar with its quartiles, and a line where its aim is."""
        assert self.out is not None
        figure = Figure(figsize=(7.5, 1.6 + 0.32 * len(self._bars)), dpi=150, layout="constrained")
        axes = figure.add_subplot()
        for place, (_, ratio, bar) in enumerate(self._bars):
            whiskers = [[ratio.median - ratio.low], [ratio.high - ratio.median]]
            axes.barh(place, ratio.median, height=0.6, color=BAR, xerr=whiskers, capsize=3)
            axes.annotate(
                f"{ratio.median:.2f}",
                (max(ratio.high, bar or 0), place),
                xytext=(5, 0),
                textcoords="offset points",
                va="center",
                fontsize="small",
            )
            if bar is not None:
                axes.plot([bar, bar], [place - 0.42, place + 0.42], color=AIM, linewidth=2)
        axes.axvline(1, color="#1b1b1b", linewidth=0.8, linestyle=":")
        axes.set_yticks(range(len(self._bars)), [label for label, _, _ in self._bars])
        axes.set_ylim(len(self._bars) - 0.4, -0.6)  # the first line on top, as in the table
        axes.margins(x=0.1)
        aim = ", red is the aim" if any(bar for _, _, bar in self._bars) else ""
        axes.set_xlabel(f"median and quartiles of the rounds{aim}", fontsize="small")
        axes.spines[["top", "right", "left"]].set_visible(False)
        axes.tick_params(axis="y", length=0)
        threads, name, version = (self.facts[fact] for fact in ("threads", "machine", "torch"))
        title = f"{self.ratio_name}\n{name}, threads: {threads}, torch {version}"
        figure.suptitle(title, x=0.01, horizontalalignment="left", fontsize="small")
        with mpl.rc_context({"svg.hashsalt": "tutelage"}):  # equal input gives equal bytes
            figure.savefig(self.out.with_suffix(".png"))
            figure.savefig(self.out.with_suffix(".svg"), metadata={"Date": None})
