"""How fast the project is, against a baseline in the same run: `python -m benchmarks`."""
