import csv
import json
from pathlib import Path
from typing import Any

import pytest

from tutelage.config import RunConfig
from tutelage.errors import RecordError
from tutelage.lab import compare, notes, tables, write
from tutelage.lab.table import markdown


def test_the_tables_show_percent_and_which_control_an_arm_is_held_against(
    config: RunConfig, trainer: Any
) -> None:
    arms, differences, seeds = tables(compare(config, ["ce", "dkd"], 3))
    rows = {row[0]: dict(zip(arms.columns, row, strict=True)) for row in arms.rows}
    # sd .01, n 3: the half width is 4.302653 * .01 / sqrt(3) = .0248
    assert rows["dkd"]["n"] == "3"
    assert rows["dkd"]["mean"] == "71.00"
    assert rows["dkd"]["sd"] == "1.00"
    assert rows["dkd"]["95 % interval"] == "[68.52, 73.48]"
    assert rows["dkd"]["best"] == "72.00"
    assert rows["dkd"]["NLL"] == "0.500"
    assert rows["dkd"]["ECE %"] == "4.00"
    assert rows["dkd"]["s/run"] == "30.0"
    assert differences.rows == (
        ("dkd", "ce (labels alone)", "+20.00", "[+20.00, +20.00]", "3 of 3"),
        ("dkd", "kd 4.5 (control)", "+10.00", "[+10.00, +10.00]", "3 of 3"),
        ("kd 4.5 (control)", "ce (labels alone)", "+10.00", "[+10.00, +10.00]", "3 of 3"),
    )
    assert seeds.columns == ("arm", "seed 5", "seed 6", "seed 7")
    assert seeds.rows[1] == ("dkd", "70.00", "71.00", "72.00")


def test_the_control_that_was_asked_for_by_name_is_marked_as_one(
    config: RunConfig, trainer: Any
) -> None:
    mine = "kd:kd_weight=4.5:ce_weight=1:temperature=2:warmup_epochs=3"
    _, differences, _ = tables(compare(config, [mine, "dkd"], 1))
    assert [row[:2] for row in differences.rows] == [("dkd", f"{mine.replace(':', ' ')} (control)")]


def test_one_seed_has_no_interval_and_the_notes_say_so(config: RunConfig, trainer: Any) -> None:
    comparison = compare(config, ["ce", "dkd"], 1)
    page = markdown(comparison)
    assert "nan" not in page
    assert any("One seed shows no spread" in note for note in notes(comparison))
    assert tables(comparison)[0].rows[0][1:5] == ("1", "50.00", "-", "-")
    assert not any("One seed" in note for note in notes(compare(config, ["ce"], 2)))


def test_a_missing_control_is_told_and_a_present_one_is_explained(
    config: RunConfig, trainer: Any
) -> None:
    missing = notes(compare(config, ["dkd"], 1, control=False))
    assert any("THE CONTROL OF dkd IS MISSING" in note and "4.5" in note for note in missing)
    present = notes(compare(config, ["dkd"], 1))
    assert not any("MISSING" in note for note in present)
    assert any("The control of dkd is kd 4.5 (control)" in note for note in present)


def test_the_notes_tell_every_number_and_where_it_was_measured(
    config: RunConfig, trainer: Any
) -> None:
    told = "\n".join(notes(compare(config, ["ce", "dkd"], 2)))
    for fact in (
        "kd 4.5 (control): kd, ce_weight 1, kd_weight 4.5, temperature 2, warmup_epochs 3.",
        "temperature and warm-up are not inherited",
        "4 epochs; seeds 5, 6.",
        "Data: glyphs100; 256 test pictures",
        "glyph_student, 6,076 parameters",
        f"glyph_teacher from {config.teacher.weights}, 278,116 parameters, top-1 90.00%",
        "abacus, cpu, 2 cores",
        "python 3.10.0",
        "c" * 40,
    ):
        assert fact in told


def test_a_failed_run_is_marked_in_table_notes_and_files(
    config: RunConfig, trainer: Any, tmp_path: Path
) -> None:
    trainer.failing = {1: "a traceback\nthe disk is full"}
    comparison = compare(config, ["ce", "dkd"], 2)
    arms, _, seeds = tables(comparison)
    assert arms.rows[0][1] == "1 of 2"
    assert seeds.rows[0] == ("ce", "50.00", "failed")
    assert "Failed: ce, seed 6: the disk is full" in notes(comparison)
    write(comparison, tmp_path / "out")
    runs = json.loads((tmp_path / "out" / "compare.json").read_text())["runs"]
    assert runs[1] == {"arm": "ce", "seed": 6, "failure": "a traceback\nthe disk is full"}


def test_a_comparison_in_which_everything_failed_is_still_written(
    config: RunConfig, trainer: Any, tmp_path: Path
) -> None:
    trainer.failing = dict.fromkeys(range(6), "no")
    files = write(compare(config, ["ce", "dkd"], 2), tmp_path)
    assert all(file.stat().st_size for file in files)


def test_the_files_hold_the_numbers_of_the_comparison(
    config: RunConfig, trainer: Any, tmp_path: Path
) -> None:
    comparison = compare(config, ["ce", "dkd"], 2)
    files = write(comparison, tmp_path / "a" / "b")
    assert [file.name for file in files] == [
        *(f"compare.{ending}" for ending in ("md", "csv", "json", "png", "svg")),
        *(f"efficiency.{ending}" for ending in ("png", "svg")),
    ]
    with (tmp_path / "a" / "b" / "compare.csv").open(newline="") as lines:
        ce, dkd, control = csv.DictReader(lines)
    assert float(dkd["top1.mean"]) == pytest.approx(0.705)
    assert float(dkd["to_control.mean"]) == pytest.approx(0.1)
    assert (dkd["to_control.higher"], dkd["options.beta"]) == ("2", "8.0")
    assert (ce["to_labels.mean"], ce["options.beta"], ce["matched_kd_weight"]) == ("", "", "")
    assert control["label"] == "kd 4.5 (control)"
    told = json.loads((tmp_path / "a" / "b" / "compare.json").read_text())
    assert told["fingerprint"] == comparison.fingerprint
    assert told["teacher_top1"] == pytest.approx(0.9)
    assert [(run["arm"], run["seed"], run["last"]["top1"]) for run in told["runs"][:2]] == [
        ("ce", 5, 0.5),
        ("ce", 6, 0.51),
    ]


def test_the_same_comparison_is_written_to_the_same_bytes(
    config: RunConfig, trainer: Any, tmp_path: Path
) -> None:
    comparison = compare(config, ["ce", "dkd"], 2)
    first, second = (write(comparison, tmp_path / name) for name in ("first", "second"))
    for one, other in zip(first, second, strict=True):
        assert one.read_bytes() == other.read_bytes(), one.name


def test_a_folder_that_cannot_be_made_is_told(
    config: RunConfig, trainer: Any, tmp_path: Path
) -> None:
    (tmp_path / "taken").write_text("")
    with pytest.raises(RecordError, match=r"could not be written to .*taken"):
        write(compare(config, ["ce"], 1), tmp_path / "taken")
