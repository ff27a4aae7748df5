"""Seconds to the first schedule and what is known by the limit, up to 100,000 tasks."""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
from typing import Any

from figures import add_output, write_figures

import scheduling as sch
from scheduling.cli.output import table
from scheduling.instances.generators import generate
from scheduling.report.words import percent

MEBI = 1024


def measure(size: str, time_limit: float, workers: int) -> dict[str, Any]:
    """Solve one random job shop in this process."""
    jobs, _, machines = size.partition("x")
    problem = generate("job-shop", {"jobs": jobs, "machines": machines, "seed": 1})
    answer = sch.solve(problem, time_limit=time_limit, workers=workers)
    first = next((point[0] for point in answer.history if point[1] is not None), None)
    return {
        "first": first,
        "seconds": answer.seconds,
        "objective": answer.objective,
        "bound": answer.bound,
        "gap": answer.gap,
        "memory_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / MEBI,
    }


def main() -> None:
    """Run the benchmark, one process a size."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("sizes", nargs="*", default=["20x15", "100x20", "1000x100"])
    parser.add_argument("--time-limit", type=float, default=5.0)
    parser.add_argument("--workers", type=int, default=2)
    add_output(parser)
    parser.add_argument("--one", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        json.dump(measure(options.sizes[0], options.time_limit, options.workers), sys.stdout)
        return
    found = {}
    for size in options.sizes:
        limits = ["--time-limit", str(options.time_limit), "--workers", str(options.workers)]
        line = [sys.executable, __file__, size, "--one", *limits]
        done = subprocess.run(line, capture_output=True, text=True, check=True)
        found[size] = json.loads(done.stdout)
    rows = [
        [
            size,
            f"{row['first']:.3f}",
            f"{row['seconds']:.2f}",
            str(row["objective"]),
            str(row["bound"]),
            percent(row["gap"]),
            f"{row['memory_mib']:.0f}",
        ]
        for size, row in found.items()
    ]
    table(["jobs x machines", "first s", "total s", "value", "bound", "gap", "MiB"], rows)
    write_figures(options.output, found)


if __name__ == "__main__":
    main()
