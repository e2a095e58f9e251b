"""`tutelage doctor`."""

from typing import TYPE_CHECKING

import typer

from tutelage.cli._common import DEFAULT_RECIPE, Overrides, Recipe, console, read_recipe

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.table import Table

    from tutelage.engine.doctor import Finding

STYLES = {"ok": "green", "warning": "yellow", "error": "bold red"}


def doctor(recipe: Recipe = DEFAULT_RECIPE, overrides: Overrides = None) -> None:
    """Look at everything a run will need, before hours are spent on it.

    One batch goes through everything: data, both networks, the loss, a few steps. What is wrong is
    told with how to mend it, and what it will take in time. Nothing is written. The exit code is 2
    if the run would fail, else 0.

    Examples:
        tutelage doctor

        tutelage doctor cifar100-resnet32x4-resnet8x4 teacher.weights=resnet32x4.pth
    """
    config = read_recipe(recipe, overrides)
    out = console()
    with out.status("Loading torch") as status:
        from tutelage.engine.doctor import examine

        findings = examine(config, lambda found: status.update(f"Looked at: {found.check}"))
    out.print(_table(findings))
    count = {level: sum(found.level == level for found in findings) for level in STYLES}
    out.print(f"Errors: {count['error']}. Warnings: {count['warning']}.")
    if count["error"]:
        raise typer.Exit(2)


def _table(findings: "Sequence[Finding]") -> "Table":
    from rich.table import Table
    from rich.text import Text

    table = Table("", "look at", "finding", title_justify="left", show_lines=True)
    for found in findings:
        told = Text(found.found, overflow="fold")
        if found.mend:
            told.append(f"\n{found.mend}", style="italic")
        table.add_row(Text(found.level, style=STYLES[found.level]), found.check, told)
    return table
