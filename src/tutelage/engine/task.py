"""What a data set asks of a method: one class a picture, many labels, or a class for each pixel."""

from tutelage.config import RunConfig
from tutelage.errors import ConfigError
from tutelage.methods import Method, methods
from tutelage.types import Task

_STORIES: dict[Task, str] = {
    "classes": "one class a picture",
    "labels": "many labels a picture",
    "pixels": "a class for each pixel",
}


def demand_task(kind: type[Method], task: Task, data: str) -> None:
    """Refuse a method for data of a task it does not know.

    Raises:
        ConfigError: it does not; the message names the methods that do.
    """
    if task not in kind.tasks:
        raise ConfigError(
            f"method {kind.name} is for {' or '.join(_STORIES[own] for own in kind.tasks)}, and "
            f"{data} has {_STORIES[task]}. Methods for that: "
            f"{', '.join(name for name in methods if task in methods[name].tasks)}."
        )


def demand_fit(config: RunConfig, task: Task) -> None:
    """Refuse what mixes, or averages, the classes of pictures, for data of another task.

    Raises:
        ConfigError: the configuration asks for it.
    """
    if task == "pixels" and (config.data.mixup or config.data.cutmix):
        raise ConfigError(
            "data.mixup and data.cutmix mix pictures and not the classes of their pixels; set both "
            "to 0."
        )
    if task != "classes" and config.teacher.others:
        raise ConfigError(
            f"teacher.others averages teachers of one class a picture, and the data have "
            f"{_STORIES[task]}; leave it out."
        )
