"""Before hours are spent: one batch through everything, what is wrong, and how to mend it."""

from tutelage.engine.doctor.chart import Finding, Level
from tutelage.engine.doctor.teacher import reordered
from tutelage.engine.doctor.visit import examine

__all__ = ["Finding", "Level", "examine", "reordered"]
