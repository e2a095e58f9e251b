"""Reading runs: whole, unfinished, foreign and broken ones."""

import json
import os
from dataclasses import replace
from pathlib import Path

import pytest

from tutelage.config import RunConfig, StudentConfig
from tutelage.errors import RecordError
from tutelage.record import Machine, Result, Row, RunWriter, list_runs, read_run, state

CONFIG = RunConfig(student=StudentConfig(name="resnet8x4"))
ROW = Row(epoch=1, step=1, lr=0.1, seconds=1.0, images_per_second=9.0, loss=2.0, terms={"ce": 2.0})
RESULT = Result(
    run="a",
    seed=0,
    epochs=1,
    steps=3,
    seconds=3.0,
    images_per_second=9.0,
    student_parameters=10,
    config_fingerprint="c",
    data_fingerprint="d",
    student_sha256="s",
    commit="0" * 40,
    versions={"python": "3.10.0"},
    machine=Machine(platform="p", processor="c", accelerator="cpu", cores=2, threads=1),
    started="2024-01-02T03:04:05.000+00:00",
    finished="2024-01-02T03:05:05.000+00:00",
)


def make(path: Path, seconds: float, *, result: Result | None = None) -> Path:
    with RunWriter.create(path, CONFIG) as writer:
        writer.add_row(ROW)
        if result is not None:
            writer.finish(result)
    os.utime(path / "run.toml", (seconds, seconds))
    return path


def test_an_unfinished_run_has_no_result_and_began_when_its_configuration_was_written(
    tmp_path: Path,
) -> None:
    run = read_run(make(tmp_path / "a", 0.5))
    assert (run.id, run.state, run.result) == ("a", "unfinished", None)
    assert run.started == "1970-01-01T00:00:00.500+00:00"


def test_a_complete_run_began_when_its_result_says(tmp_path: Path) -> None:
    run = read_run(make(tmp_path / "a", 0.5, result=RESULT))
    assert (run.state, run.started) == ("complete", RESULT.started)


def test_a_run_without_lines_yet_is_empty(tmp_path: Path) -> None:
    (tmp_path / "run.toml").write_text("[student]\nname = 's'\n", encoding="utf-8")
    run = read_run(tmp_path)
    assert run.rows == ()
    assert run.evaluations == ()


def test_a_folder_without_run_is_told(tmp_path: Path) -> None:
    with pytest.raises(RecordError, match=r"there is no run at .*nowhere; `tutelage list runs`"):
        read_run(tmp_path / "nowhere")
    (tmp_path / "photo.jpg").touch()
    with pytest.raises(RecordError, match="is there and is no run"):
        read_run(tmp_path)
    with pytest.raises(RecordError, match="is there and is no run"):
        state(tmp_path / "photo.jpg")


def test_a_broken_line_in_the_middle_is_told_with_its_number(tmp_path: Path) -> None:
    path = make(tmp_path / "a", 1.0)
    with (path / "rows.jsonl").open("ab") as file:
        file.write(b'{"epoch": 1}\n{"half\n')
    with pytest.raises(RecordError, match=r"rows\.jsonl, line 2, is broken: .*missing"):
        _ = read_run(path).rows


def test_a_broken_result_is_told(tmp_path: Path) -> None:
    path = make(tmp_path / "a", 1.0, result=RESULT)
    (path / "result.json").write_text('{"schema": 1}', encoding="utf-8")
    with pytest.raises(RecordError, match=r"result\.json is broken: .*missing.*'run'"):
        read_run(path)


def test_a_result_of_a_newer_version_asks_for_an_upgrade(tmp_path: Path) -> None:
    path = make(tmp_path / "a", 1.0, result=RESULT)
    newer = json.loads((path / "result.json").read_text(encoding="utf-8")) | {"schema": 99}
    del newer["run"]  # and more may have changed
    (path / "result.json").write_text(json.dumps(newer), encoding="utf-8")
    with pytest.raises(RecordError, match=r"newer version \(schema 99, .*\); upgrade tutelage"):
        read_run(path)


def test_runs_are_listed_newest_first_and_what_is_no_run_is_passed_over(tmp_path: Path) -> None:
    make(tmp_path / "old", 1_000.0)
    make(tmp_path / "complete", 0.0, result=RESULT)  # began in 2024, as its result says
    make(tmp_path / "middle", 1_000_000.0)
    make(tmp_path / "newest", 1_800_000_000.0, result=replace(RESULT, started="2027-01-01"))
    (tmp_path / "notes.txt").touch()
    (tmp_path / "empty").mkdir()
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "a.jpg").touch()
    (tmp_path / ".b.1234.draft").mkdir()
    (tmp_path / ".b.1234.draft" / "run.toml").touch()
    assert [run.id for run in list_runs(tmp_path)] == ["newest", "complete", "middle", "old"]


def test_a_run_that_cannot_be_read_is_passed_over_with_a_warning(tmp_path: Path) -> None:
    make(tmp_path / "good", 1.0)
    (make(tmp_path / "bad", 2.0) / "run.toml").write_text("[student\n", encoding="utf-8")
    with pytest.warns(UserWarning, match=r"passed over the run .*bad: .*not TOML"):
        assert [run.id for run in list_runs(tmp_path)] == ["good"]


def test_where_no_runs_are_none_are_listed(tmp_path: Path) -> None:
    assert list_runs(tmp_path / "nowhere") == []
