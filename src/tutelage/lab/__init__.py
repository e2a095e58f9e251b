"""Studies: a matrix of runs becomes a table with intervals, a figure and files."""

from tutelage.lab.comparison import ArmSummary, Comparison, compare, folder_of
from tutelage.lab.matrix import Arm, make_arms, split_arms
from tutelage.lab.statistics import Interval, PairedDifference, Spread
from tutelage.lab.table import Table, notes, tables, write

__all__ = [
    "Arm",
    "ArmSummary",
    "Comparison",
    "Interval",
    "PairedDifference",
    "Spread",
    "Table",
    "compare",
    "folder_of",
    "make_arms",
    "notes",
    "split_arms",
    "tables",
    "write",
]
