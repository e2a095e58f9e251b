"""What a run leaves behind: written by the engine, read by everything after it, without torch."""

from tutelage.record.files import file_sha256, replacing
from tutelage.record.provenance import (
    commit,
    machine,
    peak_memory_bytes,
    source_commit,
    versions,
)
from tutelage.record.read import (
    STUDENT,
    STUDENT_BEST,
    Run,
    State,
    list_runs,
    read_run,
    state,
    utc,
)
from tutelage.record.schema import SCHEMA, ClassMeans, Evaluation, Machine, Measured, Result, Row
from tutelage.record.write import Mark, RunWriter

__all__ = [
    "SCHEMA",
    "STUDENT",
    "STUDENT_BEST",
    "ClassMeans",
    "Evaluation",
    "Machine",
    "Mark",
    "Measured",
    "Result",
    "Row",
    "Run",
    "RunWriter",
    "State",
    "commit",
    "file_sha256",
    "list_runs",
    "machine",
    "peak_memory_bytes",
    "read_run",
    "replacing",
    "source_commit",
    "state",
    "utc",
    "versions",
]
