"""What a teacher said of every view of every picture, in a folder: written once, read by many.

    <run.dir>/teachers/<teacher>-<key>/
        cache.json     the key: what the answers depend on; and how good the teacher is
        shards.jsonl   a line for each shard that is whole: its place, size, SHA-256, and the time
        1-0.bin        a shard: the records of view 1 from picture 0 on, and so forth
        lock           held by the process that writes

A shard is written beside its place, forced to the disk and renamed; only then it gets its line. So
a crash at any moment costs one shard at most, and the same command goes on from there.
"""

import hashlib
import re
from collections.abc import Iterator
from contextlib import ExitStack, closing
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from torch import Tensor

from tutelage.errors import RecordError, TeacherError
from tutelage.record import Evaluation, file_sha256, replacing
from tutelage.record.files import DRAFT, Lock
from tutelage.record.lines import decode, encode
from tutelage.record.read import LOCK, read_lines
from tutelage.record.write import LineFile
from tutelage.teachers.forms import Form, Records, make_form
from tutelage.types import Batch

FORMAT = 1
"""The version of these files; it rises when they change."""

HEADER = "cache.json"
SHARDS = "shards.jsonl"


@dataclass(frozen=True, kw_only=True, slots=True)
class Key:
    """All that the answers depend on: where one field differs, a cache is stale."""

    teacher: str  # its network, or networks and how they are averaged
    teacher_sha256: str  # of its parameters and buffers
    teacher_sees: str  # size and normalisation of its pictures
    data: str
    data_sees: str  # size and normalisation of the pictures before that
    data_fingerprint: str  # of the train split
    pictures: int  # in it
    augment: str  # policy of augmentation
    split_seed: int  # by which views, and what a form draws, are drawn
    views: int  # of each picture
    logits: str  # their shape for one picture, such as 100 or 21x64x64
    form: str
    temperature: float | None = None  # of forms that are made for one
    precision: str  # in which the teacher was asked
    layout: str  # of the memory of the pictures it was shown
    code: str  # versions of what computed it
    shard: int = 8192  # pictures in a shard, the last of a view may have fewer
    format: int = FORMAT

    @property
    def name(self) -> str:
        """The name of the folder: the teacher's, and 12 hexadecimal digits of all fields."""
        digest = hashlib.sha256(encode(self).encode()).hexdigest()[:12]
        return f"{re.sub(r'[^A-Za-z0-9._]+', '_', self.teacher)[:40]}-{digest}"

    def make_form(self) -> Form:
        """Return the codec of the records."""
        shape = tuple(map(int, self.logits.split("x")))
        temperature = self.temperature or 1.0
        return make_form(self.form, shape, temperature=temperature, seed=self.split_seed)

    def places(self) -> Iterator[tuple[int, range]]:
        """Yield the view and the pictures of each shard, in the order in which they are written."""
        for view in range(1, self.views + 1):
            for first in range(0, self.pictures, self.shard):
                yield view, range(first, min(first + self.shard, self.pictures))


@dataclass(frozen=True, kw_only=True, slots=True)
class Header:
    """What a cache is of: its key, and how good the teacher was when it was asked."""

    key: Key
    validation: Evaluation  # the teacher on that split, or on train where there is none
    test: Evaluation  # the teacher on the test split


@dataclass(frozen=True, kw_only=True, slots=True)
class Shard:
    """One file of records, whole."""

    view: int  # from 1
    first: int  # picture
    bytes: int
    sha256: str
    seconds: float  # that asking the teacher took

    @property
    def file(self) -> str:
        """Its name."""
        return f"{self.view}-{self.first}.bin"


class Cache:
    """The answers of a teacher, to read; several processes share the memory of what they read.

    Raises:
        TeacherError: there is no cache, or one of another version.
        RecordError: its files are broken.
    """

    def __init__(self, path: Path) -> None:
        self.path, header = path, path / HEADER
        if not header.is_file():
            raise TeacherError(
                f"there is no cache of a teacher's answers at {path}: `tutelage teach` makes one."
            )
        try:
            self.header = decode(Header, header.read_bytes())
        except ValueError as error:
            raise TeacherError(
                f"{header} is of another version or broken ({error}): remove {path}, and make it "
                f"anew with `tutelage teach`."
            ) from error
        self.key = self.header.key
        self.form = self.key.make_form()
        self._there: dict[tuple[int, int], Shard] = {}
        self._open: dict[tuple[int, int], Records] = {}

    @property
    def shards(self) -> dict[tuple[int, int], Shard]:
        """The shards that are there, by view and first picture, as the folder is now."""
        told = read_lines(Shard, self.path / SHARDS)
        return {(one.view, one.first): one for one in told if self._size(one) == one.bytes}

    @property
    def missing(self) -> list[tuple[int, range]]:
        """View and pictures of the shards that are not there."""
        there = self.shards
        return [(view, part) for view, part in self.key.places() if (view, part[0]) not in there]

    @property
    def bytes(self) -> int:
        """How large the shards are together."""
        return sum(shard.bytes for shard in self.shards.values())

    @property
    def picture_seconds(self) -> float:
        """How long the teacher took for a picture, on average."""
        there = self.shards.values()
        pictures = sum(shard.bytes for shard in there) / self.form.dtype.itemsize
        return sum(shard.seconds for shard in there) / pictures if pictures else 0.0

    def differences(self, key: Key) -> list[str]:
        """Return in what its key differs from another, field by field."""
        ours, its = asdict(key), asdict(self.key)
        return [
            f"{name} is {its[name]!r} there and {ours[name]!r} here"
            for name in ours
            if its[name] != ours[name]
        ]

    def demand(self, key: Key) -> None:
        """Refuse the cache where it is of another key.

        Raises:
            TeacherError: it is; the message says in what they differ.
        """
        if differing := self.differences(key):
            raise TeacherError(
                f"the cache {self.path} is stale, it answers another question: "
                f"{'; '.join(differing)}. Take teacher.cache=auto, which makes what it does not "
                f"find, or make this one anew in another place."
            )

    def verify(self) -> None:
        """Check every shard against its SHA-256.

        Raises:
            RecordError: one is missing, or its content has changed.
        """
        if missing := self.missing:
            view, part = missing[0]
            raise RecordError(
                f"the cache {self.path} is not whole: {len(missing)} shards are missing, the first "
                f"of them view {view}, pictures {part[0]} to {part[-1]}. `tutelage teach` goes on "
                f"with it."
            )
        for shard in self.shards.values():
            self._check(shard)

    def logits(self, batch: Batch) -> Tensor:
        """Return what the teacher said of a batch on the CPU: float32 ``[B, ...]``.

        Its `index` and `view` say of what; its `target` must be what it was then.

        Raises:
            RecordError: a shard is missing, or its content has changed.
        """
        number, place = np.divmod(batch.index.numpy(), self.key.shard)
        records = np.empty(len(number), self.form.dtype)
        for one in np.unique(number):
            own = number == one
            records[own] = self._records(batch.view, int(one) * self.key.shard)[place[own]]
        return self.form.unpack(records, batch)

    def _records(self, view: int, first: int) -> Records:
        """Return a shard mapped into memory, checked when it is first touched."""
        if (view, first) not in self._open:
            if (view, first) not in self._there:
                self._there = self.shards
            shard = self._there.get((view, first))
            if shard is None:
                raise RecordError(
                    f"the cache {self.path} has no shard of view {view} from picture {first} on; "
                    f"it holds views 1 to {self.key.views}. `tutelage teach` completes it."
                )
            self._check(shard)
            file = self.path / shard.file
            self._open[view, first] = np.memmap(file, self.form.dtype, mode="r")
        return self._open[view, first]

    def _check(self, shard: Shard) -> None:
        found = file_sha256(self.path / shard.file)
        if found != shard.sha256:
            raise RecordError(
                f"{self.path / shard.file} has changed since it was written (SHA-256 "
                f"{shard.sha256[:12]}, now {found[:12]}): remove it, and `tutelage teach` asks the "
                f"teacher for it again."
            )

    def _size(self, shard: Shard) -> int:
        file = self.path / shard.file
        return file.stat().st_size if file.is_file() else -1


class CacheWriter(Cache):
    """A cache, new or begun, open for writing by this process alone until `close`.

    Raises:
        TeacherError: another cache is there.
        RecordError: another process writes it.
    """

    def __init__(self, path: Path, header: Header) -> None:
        path.mkdir(parents=True, exist_ok=True)
        with ExitStack() as opened:
            opened.callback(Lock(path / LOCK).release)
            for draft in path.glob(f".*{DRAFT}"):
                draft.unlink()
            if not (path / HEADER).exists():
                with replacing(path / HEADER) as file:
                    file.write_text(encode(header, indent=2) + "\n", encoding="utf-8", newline="\n")
            super().__init__(path)
            self.demand(header.key)
            self._lines = opened.enter_context(closing(LineFile(path / SHARDS)))
            self._opened = opened.pop_all()

    def add(self, view: int, first: int, records: Records, seconds: float) -> None:
        """Write a shard, whole or not at all."""
        content = records.tobytes()
        shard = Shard(
            view=view,
            first=first,
            bytes=len(content),
            sha256=hashlib.sha256(content).hexdigest(),
            seconds=seconds,
        )
        with replacing(self.path / shard.file) as file:
            file.write_bytes(content)
        self._lines.append(encode(shard))
        self._lines.sync()

    def close(self) -> None:
        """Let other writers in; a second call does nothing."""
        self._opened.close()


def caches(folder: Path) -> list[Cache]:
    """Return the caches in a folder that this version can read, whole or not, by name."""
    found = (_readable(header.parent) for header in sorted(folder.glob(f"*/{HEADER}")))
    return [cache for cache in found if cache]


def _readable(path: Path) -> Cache | None:
    try:
        return Cache(path)
    except TeacherError:  # of another version
        return None
