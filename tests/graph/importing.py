"""A process that imports a file, to be killed at the n-th of the steps that change a disk."""

import os
import signal
import sys
from pathlib import Path

if __name__ == "__main__":
    graph, imports, file, moment = sys.argv[1:]
    steps = 0

    def step(event: str, arguments: tuple[object, ...]) -> None:
        """Die at a step on the files of the graph: what comes before is done, it itself is not."""
        global steps
        if event not in ("open", "os.rename", "os.remove", "shutil.copyfile", "step"):
            return
        if event == "step" or str(imports) in str(arguments[0]):
            steps += 1
            if steps == int(moment):
                os.kill(os.getpid(), signal.SIGKILL)

    from tutelage.graph.home import Home
    from tutelage.graph.store import _write

    real = _write.Writer._settle if hasattr(_write, "Writer") else None
    sys.addaudithook(step)
    if real:

        def settle(self: object, *told: object) -> object:
            sys.audit("step")
            found = real(self, *told)
            sys.audit("step")
            return found

        _write.Writer._settle = settle  # type: ignore[method-assign, assignment]
    Home(graph, Path(imports)).import_file(Path(file))
    print("done", steps)
