"""A comparison as a picture: every seed a dot, every arm its mean and interval."""

import io
from textwrap import fill

from tutelage.lab.comparison import Comparison

SEED, MEAN, TEACHER = "#7f9bb8", "#1b1b1b", "#b4451f"


def draw(comparison: Comparison) -> dict[str, bytes]:
    """Return the figure as ``compare.png`` and ``compare.svg``; equal input gives equal bytes."""
    # Imported here, as it takes a second that no run need pay. Not by pyplot, which would look for
    # a window system and keep the figure alive.
    import matplotlib as mpl
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
    axes.set_title(
        f"{comparison.config.student.name} on {comparison.config.data.name}, "
        f"{comparison.config.train.epochs} epochs, n = {len(comparison.seeds)}",
        loc="left",
        fontsize="medium",
    )
    figure.legend(loc="outside lower center", ncols=3, frameon=False, fontsize="small")
    pictures = {}
    # The salt and the missing date: without them every SVG of the same figure would be another.
    with mpl.rc_context({"svg.hashsalt": "tutelage"}):
        for kind in ("png", "svg"):
            file = io.BytesIO()
            figure.savefig(file, format=kind, metadata={"Date": None} if kind == "svg" else None)
            pictures[f"compare.{kind}"] = file.getvalue()
    return pictures
