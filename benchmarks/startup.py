"""Seconds to import the package, to show version and help; which engines the import loads."""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from statistics import median

from figures import add_output, write_figures

from scheduling.cli.output import table

ENGINES = ("ortools", "highspy", "pyomo", "numba", "pandas", "matplotlib")
COMMANDS = {
    "python -c pass": [sys.executable, "-c", "pass"],
    "import scheduling": [sys.executable, "-c", "import scheduling"],
    "scheduling --version": [sys.executable, "-m", "scheduling", "--version"],
    "scheduling --help": [sys.executable, "-m", "scheduling", "--help"],
    "scheduling solve --help": [sys.executable, "-m", "scheduling", "solve", "--help"],
}


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeat", type=int, default=7)
    add_output(parser)
    options = parser.parse_args()
    found = {}
    for name, command in COMMANDS.items():
        values = []
        for _ in range(options.repeat):
            began = time.perf_counter()
            subprocess.run(command, capture_output=True, check=True)
            values.append(time.perf_counter() - began)
        found[name] = {"median": median(values), "least": min(values)}
    code = f"import sys, scheduling; print([m for m in {ENGINES!r} if m in sys.modules])"
    loaded = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.strip()
    rows = [[name, f"{v['median']:.3f}", f"{v['least']:.3f}"] for name, v in found.items()]
    table(["command", "median s", "least s"], rows, f"engines loaded by import: {loaded}")
    write_figures(options.output, found)


if __name__ == "__main__":
    main()
