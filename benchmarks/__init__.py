"""What the toolkit costs, measured: one file a stem. `python -m benchmarks --list` names them."""
