"""Who only reads a recipe or a record does not pay for torch."""

import json
import subprocess
import sys

import pytest

PROBE = """
import json, sys, time
start = time.process_time()
import {module}
print(json.dumps([time.process_time() - start, sorted(name.split(".")[0] for name in sys.modules)]))
"""


def probe(module: str) -> tuple[float, set[str]]:
    answer = subprocess.run(
        [sys.executable, "-c", PROBE.format(module=module)],
        capture_output=True,
        text=True,
        check=True,
    )
    seconds, names = json.loads(answer.stdout)
    return seconds, set(names)


@pytest.mark.parametrize("module", ["tutelage.config", "tutelage.record"])
def test_importing_the_left_half_loads_neither_torch_nor_pydantic(module: str) -> None:
    _, names = probe(module)
    assert "tutelage" in names
    assert names.isdisjoint({"torch", "lightning_fabric", "torchvision", "pydantic", "numpy"})


@pytest.mark.parametrize("module", ["tutelage.config", "tutelage.record"])
def test_importing_the_left_half_takes_under_a_quarter_of_a_processor_second(module: str) -> None:
    # Processor seconds, the best of three, so that a busy machine does not count. Measured 0.05.
    assert min(probe(module)[0] for _ in range(3)) < 0.25
