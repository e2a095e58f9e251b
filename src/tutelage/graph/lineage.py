"""Runs as claims: model, method, data set and run, and what joins them."""

import hashlib
import shlex
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

from tutelage.errors import ConfigError, RecordError
from tutelage.graph.literature import method_claim
from tutelage.graph.model import Claim, LinkClaim, NodeClaim
from tutelage.record import Evaluation, Run, file_sha256, read_run


def run_claims(run: Run) -> list[Claim]:
    """Return what a run folder claims, as far as the run has come.

    A model goes by the run that made it, by the SHA-256 of its weights file, and as a teacher by
    that of its parameters: so the student of one run is the teacher of another. A line of the
    record that is broken is told by the fact ``note``; what came before it counts.
    """
    data, student, teachers, methods = _data(run), _student(run), _teachers(run), _methods(run)
    node = NodeClaim(
        kind="run",
        ids=(f"run:{run.id}",),
        label=f"{_taught(run)} on {data.label}, seed {run.config.train.seed}",
        year=int(run.started[:4]),
        facts=_run_facts(run, data, student, teachers),
    )
    here = node.ids[0]
    links = [
        LinkClaim(kind="trains_on", source=here, target=data.ids[0]),
        LinkClaim(kind="produces", source=here, target=student.ids[0]),
        *(LinkClaim(kind="uses", source=here, target=method.ids[0]) for method in methods),
        *(LinkClaim(kind="teaches", source=teacher.ids[0], target=here) for teacher in teachers),
    ]
    return [node, data, student, *methods, *teachers, *links]


def broken_claims(folder: Path, error: Exception) -> list[Claim]:
    """Return what is left to say of a run folder that cannot be read."""
    facts = {"id": folder.name, "state": "broken", "note": str(error)}
    return [NodeClaim(kind="run", ids=(f"run:{folder.name}",), label=folder.name, facts=facts)]


def command(run: Run) -> str:
    """Return the command that repeats a run, or goes on with one that is not at its end."""
    folder = shlex.quote(str(run.path))
    return f"tutelage distill {folder} {'run.name=again' if run.result else '--resume'}"


def _run_facts(
    run: Run, data: NodeClaim, student: NodeClaim, teachers: Sequence[NodeClaim]
) -> dict[str, object]:
    train, result = run.config.train, run.result
    evaluations, note = _evaluations(run)
    split = "test" if result else "validation"
    own, its = (_last(evaluations, network, split) for network in ("student", "teacher"))
    best = result.best_test if result else None
    done = max((evaluation.epoch for evaluation in evaluations), default=0)
    return _known(
        id=run.id,
        names=[run.id],
        state=run.state,
        note=note,
        command=command(run),
        seed=train.seed,
        epochs=train.epochs,
        epochs_done=train.epochs if result else done,
        method=run.config.method.name,
        student=run.config.student.name,
        teacher=", ".join(teacher.label for teacher in teachers) or None,
        data=data.label,
        accuracy=own and own.measure,
        accuracy_best=best and best.measure,
        accuracy_teacher=its and its.measure,
        split=own and own.split,
        measure=own and own.measured,
        started=run.started,
        finished=result and result.finished,
        seconds=result and result.seconds,
        parameters=result and result.student_parameters,
    )


def _methods(run: Run) -> list[NodeClaim]:
    """Claim the method, or all parts of a sum of methods."""
    return [method_claim(name.strip()) for name in run.config.method.name.split("+")]


def _taught(run: Run) -> str:
    return " + ".join(method.label for method in _methods(run))


def _data(run: Run) -> NodeClaim:
    """Claim the data set: by its content when that is known, and by its name and place."""
    config, result = run.config.data, run.result
    place = Path(config.root).expanduser()
    at = f":{hashlib.sha256(str(place).encode()).hexdigest()[:12]}" if config.root else ""
    content = (f"data:sha256:{result.data_fingerprint}",) if result else ()
    return NodeClaim(
        kind="data",
        ids=(f"data:{config.name}{at}", *content),
        label=f"{config.name} {place.stem}" if config.root else config.name,
        facts=_known(name=config.name, fingerprint=result and result.data_fingerprint),
    )


def _student(run: Run) -> NodeClaim:
    result, name = run.result, run.config.student.name
    last, best = (result.last_test, result.best_test) if result else (None, None)
    weights = (f"model:sha256:{result.student_sha256}",) if result else ()
    return NodeClaim(
        kind="model",
        ids=(f"model:run:{run.id}", *weights),
        label=f"{name} ({_taught(run)}, seed {run.config.train.seed})",
        year=int(run.started[:4]),
        facts=_known(
            architecture=name,
            parameters=result and result.student_parameters,
            sha256=result and result.student_sha256,
            accuracy=last and last.measure,
            accuracy_best=best and best.measure,
        ),
    )


def _teachers(run: Run) -> list[NodeClaim]:
    """Claim every teacher; of one whose weights are not known yet, that there is one."""
    section, result = run.config.teacher, run.result
    if not (section.name or section.weights or section.recipe):
        return []
    found = (result.teacher_run if result else None) or section.weights
    named = [(section.name or section.recipe, found)]
    for other in section.others:  # a run folder, or NETWORK=FILE
        name, equals, weights = other.partition("=")
        named.append((name, weights) if equals else ("", other))
    claims = [_teacher(run, *each, place) for place, each in enumerate(named, start=1)]
    if result and len(claims) == 1:  # of several, what the run knows is of all of them together
        its = _last(_evaluations(run)[0], "teacher", "test")
        told = _known(parameters=result.teacher_parameters, accuracy=its and its.measure)
        state = (f"model:state:{result.teacher_sha256}",)
        claims = [
            replace(each, ids=each.ids + state, facts={**told, **each.facts}) for each in claims
        ]
    return claims


def _teacher(run: Run, name: str, weights: str, place: int) -> NodeClaim:
    path = Path(weights).expanduser()
    beside = run.path.parent / path.name  # where it lies if the folder of all runs was moved
    if weights and not path.exists() and beside.exists():
        path = beside
    if weights and (path / "run.toml").is_file():
        with suppress(RecordError, ConfigError):  # its own claims tell what is wrong with it
            student = _student(read_run(path))
            if path.parent.resolve() == run.path.parent.resolve():
                return student
            return replace(student, ids=student.ids[1:])  # of another folder, where ids are others
    if weights and path.is_file():
        named = _sha256(path, path.stat().st_mtime_ns)
        return NodeClaim(
            kind="model",
            ids=(f"model:sha256:{named}",),
            label=name or path.stem,
            facts=_known(architecture=name or None, sha256=named),
        )
    return NodeClaim(
        kind="model",
        ids=(f"model:teacher:{run.id}:{place}",),
        label=name or path.name,
        facts=_known(architecture=run.config.teacher.name or None),
    )


@lru_cache(maxsize=256)
def _sha256(path: Path, changed: int) -> str:
    """Return the SHA-256 of a file that last changed then."""
    return file_sha256(path)


def _evaluations(run: Run) -> tuple[tuple[Evaluation, ...], str | None]:
    """Return the evaluations, or none and what is wrong with them."""
    try:
        return run.evaluations, None
    except RecordError as error:
        return (), str(error)


def _last(evaluations: Sequence[Evaluation], network: str, split: str) -> Evaluation | None:
    of = [each for each in evaluations if (each.network, each.split) == (network, split)]
    return max(of, key=lambda each: each.epoch, default=None)


def _known(**facts: object) -> dict[str, object]:
    """Return the facts that are known."""
    return {name: value for name, value in facts.items() if value is not None}
