"""A process that imports a file, or forgets one, and dies at the n-th of its steps.

Steps are the calls that change files of the graph, as Python's audit hooks hear of them, and the
statements of the database that write.
"""

import os
import signal
import sys
from pathlib import Path


def main(what: str, graph: str, imports: str, file: str, moment: str) -> None:
    steps = 0

    def step() -> None:
        nonlocal steps
        steps += 1
        if steps == int(moment):
            os.kill(os.getpid(), signal.SIGKILL)

    def heard(event: str, arguments: tuple[object, ...]) -> None:
        changes = event in ("open", "os.rename", "os.remove", "os.mkdir", "shutil.copyfile")
        if changes and str(arguments[0]).startswith(imports):
            step()

    from tutelage.graph.home import Home
    from tutelage.graph.store.postgres import PostgresTalk
    from tutelage.graph.store.sqlite import SqliteTalk

    for talk in (SqliteTalk, PostgresTalk):
        for name in ("run", "many"):
            call = getattr(talk, name)

            def stepped(self: object, *told: object, call: object = call) -> object:
                step()
                return call(self, *told)  # type: ignore[operator]

            setattr(talk, name, stepped)
    sys.addaudithook(heard)
    home = Home(graph, Path(imports))
    if what == "import":
        home.import_file(Path(file))
    else:
        home.forget(file)
    print(steps)


if __name__ == "__main__":
    main(*sys.argv[1:])
