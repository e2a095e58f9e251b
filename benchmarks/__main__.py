"""Run all benchmarks, or some, each in a process of its own: ``python -m benchmarks --help``."""

import argparse
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
STEMS = sorted(path.stem.removeprefix("bench_") for path in HERE.glob("bench_*.py"))


def main() -> int:
    """Run what is asked for in order; return how many benches failed."""
    parser = argparse.ArgumentParser(
        "python -m benchmarks",
        description="Measure what the toolkit costs, and write benchmarks/results.",
        epilog="A bench may have flags of its own: python -m benchmarks.bench_STEM --help",
    )
    parser.add_argument("stems", nargs="*", metavar="STEM", help=f"of {', '.join(STEMS)}; all")
    parser.add_argument("--list", action="store_true", help="name the benches and end")
    parser.add_argument("--small", action="store_true", help="try that they run; writes nothing")
    parser.add_argument("--rounds", help="of each; else each bench has its own number")
    parser.add_argument("--threads", help="of torch; else as it comes")
    given = parser.parse_args()
    if unknown := set(given.stems) - set(STEMS):
        parser.error(f"there is no bench {', '.join(sorted(unknown))}; there is {', '.join(STEMS)}")
    if given.list:
        print(*STEMS, sep="\n")
        return 0
    flags = ["--small"] if given.small else []
    for name in ("rounds", "threads"):
        if value := getattr(given, name):
            flags += [f"--{name}", value]
    failed = 0
    for stem in given.stems or STEMS:
        command = [sys.executable, "-m", f"benchmarks.bench_{stem}", *flags]
        failed += subprocess.run(command, cwd=HERE.parent, check=False).returncode != 0
    return failed


if __name__ == "__main__":
    sys.exit(main())
