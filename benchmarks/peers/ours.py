"""The library itself on a document of kind ``schedule``, run as a process like the peers."""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path
from typing import Any

import scheduling as sch
from scheduling.solvers.schedule.cpsat.model import Formulation
from scheduling.solvers.schedule.family import CompiledSchedule


def main() -> None:
    """Solve one document."""
    parser = argparse.ArgumentParser()
    parser.add_argument("document", type=Path)
    parser.add_argument("--solver", default="auto")
    parser.add_argument("--time-limit", type=float, default=10.0)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--build-only", action="store_true")
    options = parser.parse_args()
    problem = sch.read(options.document)
    began = time.perf_counter()
    row: dict[str, Any]
    if options.build_only:
        Formulation(CompiledSchedule(problem).arrays, 0)
        row = {"build": time.perf_counter() - began}
    else:
        answer = sch.solve(
            problem, options.solver, time_limit=options.time_limit, workers=options.workers
        )
        first = next((point[0] for point in answer.history if point[1] is not None), None)
        row = {
            "status": str(answer.status),
            "objective": answer.objective,
            "bound": answer.bound,
            "seconds": time.perf_counter() - began,
            "first": first,
            "found_by": answer.solver,
            "history": answer.history,
        }
    json.dump(row, sys.stdout)


if __name__ == "__main__":
    main()
