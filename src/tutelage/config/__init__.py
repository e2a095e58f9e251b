"""The typed configuration of a run: recipes and overrides in, a checked `RunConfig` out.

Importing it loads neither torch nor pydantic.
"""

from tutelage.config.border import check
from tutelage.config.keys import Key, describe
from tutelage.config.run import (
    DataConfig,
    FabricConfig,
    MethodConfig,
    OptimizerConfig,
    RunConfig,
    RunPlace,
    ScheduleConfig,
    StudentConfig,
    TeacherConfig,
    TrainConfig,
    fingerprint,
    run_id,
    to_mapping,
    with_method_options,
)
from tutelage.config.shelf import RecipeInfo, find_recipe, recipes
from tutelage.config.toml import checked, dumps, from_mapping, load, loads, merge, override

__all__ = [
    "DataConfig",
    "FabricConfig",
    "Key",
    "MethodConfig",
    "OptimizerConfig",
    "RecipeInfo",
    "RunConfig",
    "RunPlace",
    "ScheduleConfig",
    "StudentConfig",
    "TeacherConfig",
    "TrainConfig",
    "check",
    "checked",
    "describe",
    "dumps",
    "find_recipe",
    "fingerprint",
    "from_mapping",
    "load",
    "loads",
    "merge",
    "override",
    "recipes",
    "run_id",
    "to_mapping",
    "with_method_options",
]
