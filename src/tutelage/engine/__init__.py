"""The only room that runs anything: builds, watches, steps, evaluates, keeps."""

from tutelage.engine.distiller import Distiller
from tutelage.engine.report import Reporter
from tutelage.engine.run import find_run, run

__all__ = ["Distiller", "Reporter", "find_run", "run"]
