"""`tutelage show`."""

from typing import TYPE_CHECKING

from tutelage.cli._common import RunArgument, console, find_folder

if TYPE_CHECKING:
    from rich.table import Table

    from tutelage.record import Run


def show(run: RunArgument) -> None:
    """Show a run: what it came to, how its loss was made up, and where it comes from.

    Example:
        tutelage show runs/my-run
    """
    from tutelage.record import read_run

    found = read_run(find_folder(run))
    out = console()
    out.print(f"[bold]{found.id}[/bold], {found.state}, begun {found.started}")
    if found.result:
        from tutelage.cli._tables import result_table

        out.print(result_table(found))
    out.print(_course(found))
    if found.result:
        out.print(_facts(found))
    else:
        out.print(f"Go on with it: tutelage distill {found.path} --resume")


def _course(run: "Run") -> "Table":
    """Return the last row of each epoch, thinned to about a dozen."""
    from rich.table import Table

    last = {row.epoch: row for row in run.rows}
    validation = {
        evaluation.epoch: evaluation.measure
        for evaluation in run.evaluations
        if (evaluation.network, evaluation.split) == ("student", "validation")
    }
    names = list(run.rows[-1].terms) if run.rows else []
    measured = run.evaluations[-1].measured if run.evaluations else "top-1"
    table = Table(title="course (a term's share of the gradient in brackets)", title_justify="left")
    for name in ("epoch", "lr", "loss", *names, "p_t", "images/s", f"validation {measured}"):
        table.add_column(name, justify="right")
    for epoch in sorted(last)[:: max(1, len(last) // 12)]:
        row = last[epoch]
        p_t = row.teacher_target_probability
        table.add_row(
            str(epoch),
            f"{row.lr:.2g}",
            f"{row.loss:.3f}",
            *(f"{row.terms[name]:.3f} ({row.gradient_share.get(name, 0):.0%})" for name in names),
            "-" if p_t is None else f"{p_t:.3f}",
            f"{row.images_per_second:,.0f}",
            f"{validation[epoch]:.2%}" if epoch in validation else "-",
        )
    return table


def _facts(run: "Run") -> "Table":
    from rich.table import Table

    result = run.result
    assert result is not None
    table = Table(show_header=False, title="where it comes from", title_justify="left")
    machine = result.machine
    facts = {
        "teacher": result.teacher_run or run.config.teacher.weights or "none",
        "teacher SHA-256": result.teacher_sha256 or "-",
        "data SHA-256": result.data_fingerprint,
        "student SHA-256": result.student_sha256,
        "seed": str(result.seed),
        "time": f"{result.seconds:.1f} s, {result.images_per_second:,.0f} images/s",
        "peak memory": f"{(result.peak_memory_bytes or 0) / 2**20:,.0f} MiB",
        "machine": f"{machine.processor}, {machine.threads} of {machine.cores} threads",
        "versions": ", ".join(f"{name} {version}" for name, version in result.versions.items()),
        "toolkit": result.commit,
    }
    for name, fact in facts.items():
        table.add_row(name, fact)
    return table
