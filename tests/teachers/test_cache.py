"""A cache is whole or gone on with, is what was written, and answers no other question."""

import random
import subprocess
import sys
import time
from contextlib import closing
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from tutelage.errors import RecordError, TeacherError
from tutelage.record import Evaluation
from tutelage.teachers import Cache, CacheWriter, Header, Key, caches
from tutelage.types import Batch

KEY = Key(
    teacher="a net",
    teacher_sha256="0" * 64,
    teacher_sees="1x8x8, mean [0.5], deviation [0.5]",
    data="patterns",
    data_sees="1x8x8, mean [0.5], deviation [0.5]",
    data_fingerprint="1" * 64,
    pictures=1000,
    augment="crop",
    split_seed=0,
    views=3,
    logits="10",
    form="fp32",
    precision="32-true",
    layout="contiguous",
    code="these",
    shard=128,
)
READING = Evaluation(
    epoch=0,
    step=0,
    split="test",
    network="teacher",
    top1=0.5,
    top5=0.9,
    loss=1.0,
    calibration_error=0.1,
    count=10,
    seconds=1.0,
    chance=0.1,
)
PROGRAM = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[2])
from test_cache import written
written(Path(sys.argv[1]))
"""


def batch(index: torch.Tensor, view: int) -> Batch:
    return Batch(torch.empty(len(index), 0), index % 10, index, view=view)


def answers(index: torch.Tensor, view: int) -> torch.Tensor:
    """What the teacher says: of each view of each picture something else."""
    return torch.sin(index[:, None] + 1000.0 * view + torch.arange(10) / 7)


def written(path: Path, key: Key = KEY, shards: int = 1000) -> None:
    """Write what is missing, up to so many shards."""
    with closing(CacheWriter(path, Header(key=key, validation=READING, test=READING))) as writer:
        for view, part in writer.missing[:shards]:
            index = torch.tensor(part)
            logits = answers(index, view)
            writer.add(view, part.start, writer.form.pack(logits, batch(index, view)), 0.5)


def contents(path: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in path.glob("*.bin")}


@pytest.fixture
def whole(tmp_path: Path) -> Path:
    """A whole cache."""
    written(tmp_path / "whole")
    return tmp_path / "whole"


def test_what_was_said_of_any_pictures_is_what_is_read(whole: Path) -> None:
    cache = Cache(whole)
    index = torch.randint(1000, (64,), generator=torch.Generator().manual_seed(0))
    for view in (1, 2, 3):
        assert torch.equal(cache.logits(batch(index, view)), answers(index, view))
    assert cache.header.test == READING
    assert cache.bytes == 3 * 1000 * 40
    assert cache.picture_seconds == pytest.approx(24 * 0.5 / 3000)
    with pytest.raises(RecordError, match="no shard of view 4"):
        cache.logits(batch(index, 4))


@pytest.mark.parametrize("seed", [0, 1])
def test_kill_9_while_it_is_written_costs_nothing_that_was_whole(
    whole: Path, tmp_path: Path, seed: int
) -> None:
    path, dice, kills = tmp_path / "killed", random.Random(seed), 0
    command = [sys.executable, "-c", PROGRAM, str(path), str(Path(__file__).parent)]
    before: dict[str, bytes] = {}
    for goal in (1, 8, 17):
        process = subprocess.Popen(command)
        while process.poll() is None and len(contents(path)) < goal:
            time.sleep(0.0002)
        time.sleep(dice.random() * 0.003)
        process.kill()
        kills += process.wait() != 0
        told = {shard.file for shard in Cache(path).shards.values()}
        now = contents(path)
        assert told <= now.keys()
        assert all(now[name] == content for name, content in before.items())
        before = {name: now[name] for name in told}
    assert kills
    written(path)
    assert contents(path) == contents(whole)
    assert not list(path.glob(".*"))
    Cache(path).verify()


def test_what_a_crash_may_leave_is_mended(whole: Path, tmp_path: Path) -> None:
    path = tmp_path / "begun"
    written(path, shards=5)
    (path / ".1-640.bin.17.draft").write_bytes(b"half")  # a draft
    (path / "1-640.bin").write_bytes(b"no line tells of it")
    (path / "1-128.bin").unlink()  # by whomever
    with (path / "shards.jsonl").open("ab") as file:
        file.write(b'{"view": 1, "first": 6')  # a torn line
    assert [(view, part.start) for view, part in Cache(path).missing][:2] == [(1, 128), (1, 640)]
    with pytest.raises(RecordError, match="20 shards are missing"):
        Cache(path).verify()
    written(path)
    assert contents(path) == contents(whole)
    Cache(path).verify()


def test_a_flipped_bit_is_found_when_it_is_read_and_when_all_is_checked(whole: Path) -> None:
    file = whole / "2-256.bin"
    content = bytearray(file.read_bytes())
    content[77] ^= 4
    file.write_bytes(content)
    cache = Cache(whole)
    cache.logits(batch(torch.arange(256, 300), view=1))
    for read in (lambda: cache.logits(batch(torch.arange(250, 260), view=2)), cache.verify):
        with pytest.raises(RecordError, match=r"2-256\.bin has changed since it was written"):
            read()
    file.unlink()
    written(whole)
    Cache(whole).verify()


@pytest.mark.parametrize("name", [field.name for field in fields(Key)])
def test_a_cache_of_another_key_is_refused_by_what_differs(whole: Path, name: str) -> None:
    value = getattr(KEY, name)
    others: dict[str, Any] = {"form": "int8", "temperature": 2.0, "logits": "12"}
    other = others.get(name, f"{value}x" if isinstance(value, str) else 977)
    key = replace(KEY, **{name: other})
    told = f"{name} is {value!r} there and {other!r} here"
    with pytest.raises(TeacherError, match="stale") as refusal:
        Cache(whole).demand(key)
    assert told in str(refusal.value)
    with pytest.raises(TeacherError, match="stale"):
        written(whole, key)
    assert key.name != KEY.name
    assert Cache(whole).key == KEY


def test_one_writes_at_a_time_and_many_read_meanwhile(whole: Path, tmp_path: Path) -> None:
    path = tmp_path / "begun"
    written(path, shards=2)
    header = Header(key=KEY, validation=READING, test=READING)
    with (
        closing(CacheWriter(path, header)),
        pytest.raises(RecordError, match="is being written by"),
    ):
        CacheWriter(path, header)
    before = contents(whole)
    read = (
        "import sys, hashlib, torch; from pathlib import Path; sys.path.insert(0, sys.argv[2])\n"
        "from test_cache import *\n"
        "cache, all = Cache(Path(sys.argv[1])), torch.arange(1000)\n"
        "said = [cache.logits(batch(all, view)) for view in (1, 2, 3)]\n"
        "print(hashlib.sha256(torch.cat(said).numpy().tobytes()).hexdigest())"
    )
    command = [sys.executable, "-c", read, str(whole), str(Path(__file__).parent)]
    readers = [subprocess.Popen(command, stdout=subprocess.PIPE) for _ in range(2)]
    hashes = {reader.communicate()[0] for reader in readers}
    assert len(hashes) == 1
    assert all(reader.returncode == 0 for reader in readers)
    assert contents(whole) == before
    with pytest.raises(ValueError, match="read-only"):
        Cache(whole)._records(1, 0)["logits"] = np.float32(0)


def test_what_is_no_cache_or_of_another_version_is_told_apart(whole: Path, tmp_path: Path) -> None:
    with pytest.raises(TeacherError, match="there is no cache"):
        Cache(tmp_path)
    header = whole / "cache.json"
    header.write_text(header.read_text().replace('"augment"', '"augmentation"'))
    with pytest.raises(TeacherError, match="of another version or broken"):
        Cache(whole)
    assert caches(tmp_path) == []
