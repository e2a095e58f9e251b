"""`tutelage teach`: the teacher asked once, for all runs that follow."""

from collections.abc import Iterable
from dataclasses import replace

from tutelage.config import RunConfig
from tutelage.engine.asking import whole_cache
from tutelage.engine.build import build
from tutelage.engine.report import Reporter
from tutelage.engine.run import find_teacher, make_fabric, prepare, torch_threads
from tutelage.errors import ConfigError
from tutelage.teachers import Cache, kind_of


def teach(config: RunConfig, *, reporter: Reporter | None = None) -> Cache:
    """Return the whole cache of what the teacher says of each of `data.views` views of the data.

    It lies where `teacher.cache` says, among the runs if that is empty. What is there is not asked
    again. Everything happens on one device.

    Raises:
        ConfigError: no views, no teacher, or a method that cannot do with a cache.
        TeacherError: the teacher is missing or no better than chance, or another cache is in place.
        RecordError: another process writes the cache, or its files are broken.
    """
    reporter = reporter or Reporter()
    section = replace(config.teacher, cache=config.teacher.cache or "auto")
    config = prepare(replace(config, teacher=section))
    if not config.teacher.cache:
        raise ConfigError(f"method {config.method.name} asks no teacher; name one that does.")
    if not config.data.views:
        raise ConfigError(
            "the teacher is asked about a number of views of each picture, which runs then show in "
            "turn: say how many, by --views 4 or data.views=4."
        )
    one = replace(config.fabric, devices=1, nodes=1, strategy="auto")
    config = replace(config, teacher=find_teacher(config, reporter), fabric=one)
    with torch_threads(config.fabric.threads):
        return whole_cache(build(config, make_fabric(config)), reporter)


def teach_each(configs: Iterable[RunConfig], reporter: Reporter) -> None:
    """Make what caches are needed by runs that differ in their method alone.

    That is one for all, or, of a form that is made for a temperature, one for each that there is.

    Raises:
        TutelageError: see `teach`.
    """
    for config in configs:
        teach(config, reporter=reporter)
        if not kind_of(config.teacher.form).parts:
            return
