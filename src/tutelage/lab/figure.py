"""A comparison as pictures: every seed a dot, every arm its mean; accuracy against time."""

import io
from collections.abc import Sequence
from textwrap import fill, shorten
from typing import TYPE_CHECKING

from tutelage.lab.comparison import Comparison

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SEED, MEAN, TEACHER = "#7f9bb8", "#1b1b1b", "#b4451f"


def draw(comparison: Comparison) -> dict[str, bytes]:
    """Return ``compare`` and ``efficiency`` as .png and .svg; equal input gives equal bytes."""
    figures = {"compare": _arms(comparison), "efficiency": _efficiency(comparison)}
    return {
        f"{name}.{kind}": _rendered(figure, kind)
        for name, figure in figures.items()
        for kind in ("png", "svg")
    }


def _rendered(figure: "Figure", kind: str) -> bytes:
    import matplotlib as mpl

    file = io.BytesIO()
    # The salt and the missing date: without them every SVG of the same figure would be another.
    with mpl.rc_context({"svg.hashsalt": "tutelage"}):
        figure.savefig(file, format=kind, metadata={"Date": None} if kind == "svg" else None)
    return file.getvalue()


def _efficiency(comparison: Comparison) -> "Figure":
    """Draw each arm's mean top-1 against the time of its step, as large as what it trains more.

    Arms are numbered, and named beside. One that lies far below all others stands on the lower
    edge as a triangle, so that the others can be told apart; its top-1 is in the list.
    """
    from matplotlib.figure import Figure

    shown = [one for one in comparison.summaries if one.top1 and one.step_seconds]
    height = max(4.5, 0.19 * len(shown) + 1)
    figure = Figure(figsize=(9, height), dpi=150, layout="constrained")
    axes, names = figure.subplots(1, 2, width_ratios=(3, 2))
    values = [100 * one.top1.mean for one in shown if one.top1]
    low, middle, high = (_quantile(values, share) for share in (0.25, 0.5, 0.75))
    floor = middle - 5 * max(high - low, 1.0)
    for number, (one, value) in enumerate(zip(shown, values, strict=True), 1):
        point = (1000 * (one.step_seconds or 0), max(value, floor))
        extra, marker = one.extra_parameters or 0, "o" if value >= floor else "v"
        size = 18 + extra**0.5 / 2
        axes.scatter(*point, s=size, marker=marker, color=SEED, edgecolors=MEAN, linewidths=0.5)
        axes.annotate(str(number), point, xytext=(3, 3), textcoords="offset points", fontsize=7)
        more = f", +{extra:,} parameters" if extra else ""
        label = f"{number:>2}  {shorten(one.arm.label, 30, placeholder=' ...')}: {value:.1f}{more}"
        names.text(0, 1 - number / (len(shown) + 1), label, fontsize=7, va="center")
    names.set_axis_off()
    axes.set_xscale("log")
    axes.set_xlabel("milliseconds of a training step")
    axes.set_ylabel(f"top-1, {comparison.split} split, {comparison.reading} epoch, percent")
    axes.set_title(_title(comparison), loc="left", fontsize="medium")
    axes.grid(color="#e3e3e3", which="both")
    axes.set_axisbelow(True)
    axes.margins(0.12)
    axes.spines[["top", "right"]].set_visible(False)
    return figure


def _quantile(values: Sequence[float], share: float) -> float:
    ordered = sorted(values)
    return ordered[round(share * (len(ordered) - 1))] if ordered else 0.0


def _title(comparison: Comparison) -> str:
    return (
        f"{comparison.config.student.name} on {comparison.config.data.name}, "
        f"{comparison.config.train.epochs} epochs, n = {len(comparison.seeds)}"
    )


def _arms(comparison: Comparison) -> "Figure":
    # Imported here, as it takes a second that no run need pay. Not by pyplot, which would look for
    # a window system and keep the figure alive.
    from matplotlib.figure import Figure

    summaries = comparison.summaries
    figure = Figure(figsize=(7.5, 1.5 + 0.5 * len(summaries)), dpi=150, layout="constrained")
    axes = figure.add_subplot()
    for seed in comparison.seeds:
        points = [
            (100 * top1, place)
            for place, one in enumerate(summaries)
            if (top1 := comparison.top1(one.arm.label).get(seed)) is not None
        ]
        axes.plot(
            [top1 for top1, _ in points],
            [place for _, place in points],
            "o-",
            color=SEED,
            markersize=5,
            linewidth=0.6,
            label="one seed" if seed == comparison.seeds[0] else None,
        )
    means = [(place + 0.25, one.top1) for place, one in enumerate(summaries) if one.top1]
    halves = [top1.interval.high - top1.mean if top1.interval else 0.0 for _, top1 in means]
    axes.errorbar(
        [100 * top1.mean for _, top1 in means],
        [place for place, _ in means],
        xerr=[100 * half for half in halves],
        fmt="D",
        color=MEAN,
        markersize=4.5,
        capsize=3,
        label="mean and its 95 % interval" if any(halves) else "mean",
    )
    if reading := comparison.teacher_reading:
        axes.axvline(100 * reading.measure, color=TEACHER, linestyle="--", label="teacher")
    axes.set_yticks(range(len(summaries)), [fill(one.arm.label, width=24) for one in summaries])
    low, high = axes.get_xlim()
    axes.set_xlim(max(low, -2), min(high, 102))  # an interval of two seeds may go beyond any share
    axes.set_ylim(len(summaries) - 0.4, -0.6)  # the first arm on top, as in the table
    axes.set_xlabel(
        f"{comparison.measured} on the {comparison.split} split, {comparison.reading} epoch, "
        f"percent"
    )
    axes.grid(axis="x", color="#e3e3e3")
    axes.set_axisbelow(True)
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.tick_params(axis="y", length=0)
    axes.set_title(_title(comparison), loc="left", fontsize="medium")
    figure.legend(loc="outside lower center", ncols=3, frameon=False, fontsize="small")
    return figure
