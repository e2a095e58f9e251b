"""The whole examination, in order; one fault does not hide the next where it can go on."""

from collections.abc import Callable
from dataclasses import replace

import torch
from lightning_fabric import Fabric

from tutelage.config import RunConfig, TeacherConfig, checked
from tutelage.data import DataSet
from tutelage.engine.build import load_data
from tutelage.engine.doctor.chart import Chart, Finding
from tutelage.engine.doctor.networks import fitting, look_at_names, look_at_norms, look_at_pair
from tutelage.engine.doctor.pictures import look_at_batches, look_at_labels, look_at_pictures
from tutelage.engine.doctor.recipe import look_at_place, look_at_schedule, one_process
from tutelage.engine.doctor.teacher import (
    Answers,
    ask,
    look_at_answers,
    look_at_measure,
    resolved,
)
from tutelage.engine.doctor.trial import try_out
from tutelage.engine.run import prepare, torch_threads
from tutelage.methods import methods


def examine(
    config: RunConfig, heard: Callable[[Finding], None] | None = None
) -> tuple[Finding, ...]:
    """Look at everything a run will need, take its first steps, and return what was found.

    The steps are taken by networks that are thrown away; no run folder is written, and the random
    state stays as it was. `heard` is told each finding at once.

    Raises:
        ConfigError: a value lies outside its range; see `tutelage.config.checked`.
    """
    chart = Chart(heard)
    with torch.random.fork_rng(devices=[]), torch_threads(config.fabric.threads):
        _examine(chart, checked(config))
    return tuple(chart.findings)


def _examine(chart: Chart, config: RunConfig) -> None:
    whole = chart.attempt("method", prepare, config)
    config = whole or config
    kind = methods[config.method.name] if whole else None
    needs_teacher = kind.needs_teacher if kind else config.teacher != TeacherConfig()
    if whole:
        chart.attempt("run folder", look_at_place, chart, config)
    look_at_schedule(chart, config)
    single, fabric = one_process(chart, config)
    if needs_teacher:
        single = replace(single, teacher=resolved(chart, config))
    data = chart.attempt("data", load_data, config)
    if data is None:
        look_at_names(chart, "student", single.student.name, single.student.weights)
        look_at_names(chart, "teacher", single.teacher.name, single.teacher.weights)
        return
    sound = look_at_labels(chart, data)
    sound &= look_at_pictures(chart, data)
    look_at_batches(chart, config, data)
    single, fit = _look_at_networks(chart, config, single, data)
    answers = _question(chart, single, fabric, data) if sound and needs_teacher else None
    del data  # the trial loads its own, and the memory it takes is told
    if whole and sound and fit and (single.teacher.name or not needs_teacher):
        try_out(chart, config, single, fabric, answers)


def _look_at_networks(
    chart: Chart, config: RunConfig, single: RunConfig, data: DataSet
) -> tuple[RunConfig, bool]:
    """Return `single` with only those weights that fit, and whether its networks do."""
    own, its = single.student, single.teacher
    student, own_weights = fitting(chart, "student", own, data)
    teacher, its_weights = fitting(chart, "teacher", its, data)
    if student:
        look_at_norms(chart, config, student)
    if student and teacher:
        look_at_pair(chart, student, teacher)
    single = replace(
        single,
        student=replace(own, weights=own_weights),
        teacher=replace(its, weights=its_weights),
    )
    return single, student is not None and (teacher is not None or not its.name)


def _question(chart: Chart, single: RunConfig, fabric: Fabric, data: DataSet) -> Answers | None:
    section = single.teacher
    if not section.weights:
        chart.warn(
            "teacher",
            "how good it is, how sure, and how it numbers the classes was not checked, since it "
            "has no weights that fit.",
            "Ask again when it has.",
        )
        return None
    if data.spec.task != "classes":
        chart.attempt("teacher", look_at_measure, chart, single, fabric, data)
        return None
    answers = chart.attempt("teacher", ask, single, fabric, data)
    if answers:
        look_at_answers(chart, answers, data.spec.classes)
    return answers
