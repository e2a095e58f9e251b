"""Write docs/methods.md, the table of all methods, from the methods themselves.

    python tools/write_methods_page.py

Extra parameters and the time of a step are read from benchmarks/results/methods.csv, which
`python -m benchmarks methods` measures. A test holds that the page is what this writes.
"""

import csv
from collections.abc import Iterator
from pathlib import Path
from statistics import median

from tutelage.config import describe
from tutelage.methods import Method, methods

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "methods.md"
MEASURED = ROOT / "benchmarks" / "results" / "methods.csv"
FILES = ROOT / "src" / "tutelage" / "methods"

HEAD = """# Methods

Every method is one file, found by being there; `tutelage list methods NAME` prints its options, and
each has a page. This page is written by `python tools/write_methods_page.py` from the methods.

    tutelage distill method.name=reviewkd
    tutelage compare --methods ce,kd,dkd,reviewkd,dkd+reviewkd --seeds 3
    tutelage distill method.name=dkd+reviewkd method.dkd.beta=6 method.reviewkd.reviewkd_weight=5

"""

NOTES = """
- **builds on**: methods that it changes or extends, as its paper says.
- **taps**: what a method looks at besides logits. Stages are found in every network
  ([your own model](how-to/own-model.md)); methods marked * want feature maps, and refuse tokens.
- **extra**: parameters that train beside the student's, for the pair the time was measured on.
- **step**: the time of a training step as a multiple of KD's, the median of steps taken in turn,
  and the milliseconds that it takes more.
- **mixed**: works where pictures are mixed in pairs (mixup, CutMix).
- **boxes**: each row of logits has a loss of its own, so that it serves a detector's boxes as well.

{measured}

What each comes to on Glyphs-100, three seeds, accuracy against time:
[the comparison](results/glyphs100-methods/compare.md).

## Options of every method

| option | default | meaning |
|---|---|---|
{common}

Logit methods have one more:

| option | default | meaning |
|---|---|---|
{logit}

## Sums

Names joined by `+` are a sum: the distillation terms of each, and the labels' own once.
`ce_weight`, `label_smoothing` and `fidelity` are those of the sum, `weights` (one a part, by
default 1) weighs the parts, and each part has its options under its own name:

```toml
[student]
name = "resnet8x4"

[method]
name = "dkd+reviewkd"
weights = [1.0, 0.5]

[method.dkd]
beta = 6.0
```

## How long a method is

{count} methods. The shortest file has {shortest} lines ({shortest_name}), the median {median}, the
longest {longest} ({longest_name}), the paper and all docstrings included. Adding one touches no
other source file.
"""


def page() -> str:
    """Return the whole page."""
    measured = _measured()
    lines = [
        "| method | what it does | paper | builds on | kind | taps | extra | step | mixed "
        "| boxes |",
        "|---|---|---|---|---|---|---:|---:|---|---|",
        *(_line(methods[name], measured.get(name, {})) for name in methods),
    ]
    lengths = sorted((_length(name), name) for name in methods)
    return (
        HEAD
        + "\n".join(lines)
        + "\n"
        + NOTES.format(
            measured=_where(measured),
            common="\n".join(_options(Method.Config)),
            logit="\n".join(_options(methods["kd"].Config, only="standardise")),
            count=len(lengths),
            shortest=lengths[0][0],
            shortest_name=lengths[0][1],
            median=round(median(length for length, _ in lengths)),
            longest=lengths[-1][0],
            longest_name=lengths[-1][1],
        )
    )


def _line(kind: type[Method], measured: dict[str, str]) -> str:
    paper = kind.paper
    summary = (kind.__doc__ or "").splitlines()[0].rstrip(".")
    cells = (
        f"[{kind.name}](methods/{kind.name}.md)",
        summary,
        f"[{paper.short}]({paper.url})" if paper and paper.url else (paper.short if paper else ""),
        ", ".join(f"[{name}](methods/{name}.md)" for name in kind.builds_on),
        kind.kind,
        ", ".join(kind.taps) + ("*" if kind.needs_maps else ""),
        f"{int(measured['extra_parameters']):,}" if measured else "",
        _step(measured) if measured else "",
        "yes" if kind.mixes else "no",
        "yes" if kind.by_row else "no",
    )
    return f"| {' | '.join(cells)} |"


def _step(measured: dict[str, str]) -> str:
    more = float(measured["milliseconds"]) - float(measured["kd_milliseconds"])
    return f"{float(measured['ratio']):.2f} ({more:+.1f} ms)"


def _measured() -> dict[str, dict[str, str]]:
    if not MEASURED.exists():
        return {}
    with MEASURED.open(newline="", encoding="utf-8") as file:
        return {line["method"]: line for line in csv.DictReader(file)}


def _where(measured: dict[str, dict[str, str]]) -> str:
    if not measured:
        return "Times were not measured yet."
    first = next(iter(measured.values()))
    return (
        f"Measured by `python -m benchmarks methods`: {first['teacher']} teaches "
        f"{first['student']}, batch {first['batch_size']}, {first['rounds']} steps of each, "
        f"{first['threads']} threads, torch {first['torch']}, {first['machine']}; all figures are "
        f"in [methods.csv](../benchmarks/results/methods.csv)."
    )


def _options(config: type, only: str = "") -> Iterator[str]:
    for key in describe(config):
        if only in ("", key.name):
            yield f"| `{key.name}` | `{key.default}` | {key.help} |"


def _length(name: str) -> int:
    return len((FILES / f"{name}.py").read_text(encoding="utf-8").splitlines())


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8", newline="\n")
    print(f"Written to {PAGE.relative_to(ROOT)}")
