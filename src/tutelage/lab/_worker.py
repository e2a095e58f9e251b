"""One run in a process of its own: ``python -m tutelage.lab._worker RECIPE.toml``.

It ends with the process that started it, however that one ends: nobody writes to its standard
input, so the end of that is the end of the other side. Nothing is lost by it; a run can be killed
at any moment and gone on with.
"""

import os
import sys
import threading

from tutelage.config import load
from tutelage.engine import run
from tutelage.errors import TutelageError
from tutelage.lab.workers import INTERRUPTED, MISTAKE


def main(path: str) -> int:
    """Carry out the run that a TOML file describes, or go on with it; a mistake is printed."""
    threading.Thread(target=_end_with_parent, daemon=True).start()
    try:
        run(load(path), resume=True)
    except TutelageError as error:
        print(error)
        return MISTAKE
    except KeyboardInterrupt:
        return INTERRUPTED
    return 0


def _end_with_parent() -> None:
    # Not sys.stdin: a thread that waits in it holds its lock, on which the interpreter's own end
    # would stumble.
    while os.read(0, 1):
        pass
    os._exit(INTERRUPTED)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
