"""``python -m tutelage`` is the command `tutelage`."""

from tutelage.cli.main import main

main()
