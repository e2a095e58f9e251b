"""The losses in C: exact beside float64, the same whoever asks, and never in the way."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.special import expit, log_softmax, rel_entr, softmax
from torch import Tensor

from tests.losses.test_closed import problem, value_and_slope
from tutelage.losses import _compiled, computed_by, decoupled_kd, dkd_loss, kd_loss
from tutelage.losses._closed import Weights

needs_compiler = pytest.mark.skipif(computed_by() != "C", reason=computed_by())

ASK = """
import torch
from tutelage.losses import computed_by, dkd_loss
student, teacher = torch.linspace(-3, 3, 24).square().reshape(2, 4, 3)
print(computed_by())
print(dkd_loss(student, teacher, torch.tensor([0, 1, 2, 0])).item())
"""


def asked(home: Path, **environment: str) -> tuple[str, float, str]:
    """Return who computes in a new process, what comes out, and what it warns of."""
    told = subprocess.run(
        [sys.executable, "-c", ASK],
        env={**os.environ, "XDG_CACHE_HOME": str(home), **environment},
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    by, value = told.stdout.splitlines()
    return by, float(value), told.stderr


def by_scipy(
    student: Tensor, teacher: Tensor, target: Tensor, temperature: float
) -> tuple[np.ndarray, np.ndarray]:
    """Return TCKD and NCKD of each row as the paper defines them, in float64."""
    parts: list[list[float]] = [[], []]
    for own, its, label in zip(student.double(), teacher.double(), target.tolist(), strict=True):
        own, its = own.numpy() / temperature, its.numpy() / temperature
        p, log_q = softmax(its), log_softmax(own)
        pair = np.array([p[label], 1 - p[label]]), np.exp([log_q[label], 0.0])
        pair[1][1] = 1 - pair[1][0]
        parts[0].append(rel_entr(*pair).sum())
        rest = [np.delete(each, label) for each in (its, own)]
        parts[1].append((softmax(rest[0]) * (log_softmax(rest[0]) - log_softmax(rest[1]))).sum())
    return temperature**2 * np.array(parts[0]), temperature**2 * np.array(parts[1])


@needs_compiler
@pytest.mark.parametrize("classes", [3, 15, 16, 17, 100, 2047, 2049, 5000])
@pytest.mark.parametrize("temperature", [0.7, 4.0])
def test_terms_are_those_of_scipy(classes: int, temperature: float) -> None:
    student, teacher, target = problem(9, classes)
    target[:2] = torch.tensor([0, classes - 1])
    found = decoupled_kd(student, teacher, target, temperature=temperature, reduction="none")
    for own, wanted in zip(found, by_scipy(student, teacher, target, temperature), strict=True):
        np.testing.assert_allclose(own.numpy(), wanted, rtol=3e-6, atol=1e-7 * temperature**2)


@needs_compiler
@pytest.mark.parametrize("scale", [0.1, 1.0, 300.0, 1e6, 1e30])
def test_logits_of_any_size_give_what_float64_gives(scale: float) -> None:
    student, teacher, target = problem(9, 40)
    student, teacher = student * scale, teacher * scale
    value, slope = value_and_slope(dkd_loss, student, teacher, target)
    exact, its = value_and_slope(dkd_loss, student.double(), teacher.double(), target)
    # 5e-8 nats, of logits that nearly agree, times the weights 8 and 4^2.
    torch.testing.assert_close(value.double(), exact, rtol=2e-6, atol=5e-8 * 8 * 16)
    assert (slope - its).abs().max() <= 2e-6 * its.abs().max()


@needs_compiler
def test_a_pull_at_the_label_has_its_digits_however_sure_both_are() -> None:
    """p_t - q_t of two networks that are sure to 1e-13 and 1e-17, where 1 - p_t is 0 in float32."""
    student, teacher = torch.zeros(2, 1, 3)
    student[0, 0], teacher[0, 0] = 30.0, 40.0
    _, slope = value_and_slope(
        lambda *those: decoupled_kd(*those)[0], student, teacher, torch.tensor([0])
    )
    u, v = 30.0 - np.log(2), 40.0 - np.log(2)
    assert slope[0, 0].item() == pytest.approx(expit(-v) - expit(-u), rel=1e-6)


@needs_compiler
def test_a_row_is_the_same_alone_and_among_others_on_one_thread_and_on_two() -> None:
    student, teacher, target = problem(300, 130)
    threads = torch.get_num_threads()
    try:
        found = []
        for count in (1, 2):
            torch.set_num_threads(count)
            found.append(value_and_slope(dkd_loss, student, teacher, target))
    finally:
        torch.set_num_threads(threads)
    assert torch.equal(found[0][1], found[1][1])
    whole = dkd_loss(student, teacher, target, reduction="none")
    for row in (0, 150, 299):
        own = slice(row, row + 1)
        alone = dkd_loss(student[own], teacher[own], target[own], reduction="none")
        assert torch.equal(whole[own], alone)


@needs_compiler
def test_a_nan_stays_in_its_row() -> None:
    student, teacher, target = problem(5, 40)
    student[2, 7], teacher[3, 8] = torch.nan, torch.nan
    for loss in (dkd_loss, lambda *those, **how: kd_loss(*those[:2], **how)):
        found = loss(student, teacher, target, reduction="none")
        assert found.isnan().tolist() == [False, False, True, True, False]


@needs_compiler
def test_rows_need_not_lie_one_after_the_other() -> None:
    student, teacher, target = problem(6, 40)
    wanted = value_and_slope(dkd_loss, student, teacher, target)
    apart = torch.empty(40, 12)[:, ::2].T.copy_(student)
    found = value_and_slope(dkd_loss, apart, teacher.T.contiguous().T, target)
    torch.testing.assert_close(found, wanted, rtol=0, atol=0)


@needs_compiler
def test_no_rows_are_no_loss() -> None:
    empty, target = torch.zeros(0, 5), torch.zeros(0, dtype=torch.int64)
    value, slope = value_and_slope(dkd_loss, empty, empty, target)
    assert value == 0
    assert slope.shape == (0, 5)


@needs_compiler
def test_a_label_that_is_no_class_reads_no_foreign_memory() -> None:
    student, teacher, _ = problem(2, 40)
    for label in (-1, 40, 1 << 40):
        with pytest.raises(IndexError, match="none of the 40"):
            _compiled.take_rows(
                student, teacher, torch.tensor([[0], [label]]), Weights(4.0), (1.0, 1.0), None
            )


@needs_compiler
def test_the_c_is_clean(tmp_path: Path) -> None:
    """No warning, and neither an address nor a value out of bounds in a run of it all."""
    frame = tmp_path / "frame.c"
    frame.write_text(
        f'#include "{_compiled.SOURCE}"\n'
        """
        int main(void) {
            for (int64_t classes = 3; classes < 70; classes++) {
                enum { ROWS = 3 };
                float *z = malloc(3 * ROWS * classes * sizeof *z), terms[2 * ROWS], one = 1;
                int64_t label[ROWS] = {0, classes / 2, classes - 1};
                for (int64_t i = 0; i < 2 * ROWS * classes; i++) z[i] = (float)(i * 7919 % 41) - 20;
                Work work = {z, z + ROWS * classes, label, &one, &one, 0, 0, z + 2 * ROWS * classes,
                             terms, terms + ROWS, ROWS, classes, 4, 1, 8, 0.5};
                if (take_rows(&work, 2)) return 1;
                work.slope = z, work.label = NULL;
                if (take_rows(&work, 1)) return 1;
                free(z);
            }
            return 0;
        }
        """,
        encoding="utf-8",
    )
    checks = [
        "-Wall",
        "-Wextra",
        "-Werror",
        "-fsanitize=address,undefined",
        "-g",
        "-fno-sanitize-recover",
    ]
    whole = tmp_path / "frame"
    subprocess.run(
        ["gcc", *_compiled.FLAGS, *checks, str(frame), "-o", str(whole), "-lm"], check=True
    )
    subprocess.run([str(whole)], check=True, timeout=60)


@needs_compiler
def test_a_library_is_made_once_for_all_processes(tmp_path: Path) -> None:
    both = [asked(tmp_path)]
    (library,) = (tmp_path / "tutelage").iterdir()  # nothing else is left
    made = library.stat().st_mtime_ns
    both.append(asked(tmp_path))
    assert library.stat().st_mtime_ns == made
    assert both[0] == both[1]
    assert both[0][0] == "C"
    assert not both[0][2]


@needs_compiler
def test_a_home_that_cannot_be_written_keeps_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    by, _, warned = asked(tmp_path / "file")
    assert by == "C"
    assert not warned


def test_torch_serves_where_there_is_no_compiler_or_nobody_wants_it(tmp_path: Path) -> None:
    without = asked(tmp_path, PATH=str(tmp_path), CC="")
    unwanted = asked(tmp_path, TUTELAGE_COMPILED="0")
    assert without[0] == "torch: there is no C compiler, gcc or cc"
    assert unwanted[0] == "torch: TUTELAGE_COMPILED is 0"
    assert without[1] == unwanted[1] == pytest.approx(asked(tmp_path)[1], rel=1e-6)
    assert not without[2] + unwanted[2]
    assert not any(tmp_path.iterdir()) or computed_by() == "C"


@pytest.mark.skipif(sys.platform != "linux", reason="C is used on Linux alone")
@pytest.mark.parametrize(
    ("script", "told"),
    [
        ("echo no such thing >&2; exit 1", "no such thing"),
        ("exit 1", "ended with 1"),
        ("exit 0", "cannot open"),
        (None, "No such file"),
    ],
)
def test_a_compiler_that_fails_is_told_and_torch_serves(
    script: str | None, told: str, tmp_path: Path
) -> None:
    compiler = tmp_path / "bad-cc"
    if script:
        compiler.write_text(f"#!/bin/sh\n{script}\n", encoding="ascii")
        compiler.chmod(0o755)
    by, value, warned = asked(tmp_path, CC=str(compiler))
    assert by == "torch: bad-cc did not serve"
    assert "CompilerWarning" in warned
    assert told in warned
    assert "TUTELAGE_COMPILED=0" in warned
    assert value == pytest.approx(asked(tmp_path, TUTELAGE_COMPILED="0")[1])
