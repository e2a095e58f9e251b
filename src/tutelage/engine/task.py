"""What a data set asks of a method: one class a picture, many labels, or a class for each pixel."""

from tutelage.errors import ConfigError
from tutelage.methods import Method, methods
from tutelage.types import Shapes, Task

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


def make_method(
    kind: type[Method], config: Method.Config, student: Shapes, teacher: Shapes, task: Task
) -> Method:
    """Return a method; one that knows but the usual task need not hear of it."""
    return kind(config, student, teacher, *(() if task == "classes" else (task,)))
