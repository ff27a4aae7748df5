"""PyJobShop on a document of kind ``schedule``, run as a process in the peers' environment.

Writes ``{objective, bound, status, seconds, build}``; ``build`` is the time of its data and of
its CP-SAT model together.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from itertools import pairwise
from pathlib import Path
from typing import Any

from pyjobshop import Model
from pyjobshop.solvers.ortools.CPModel import CPModel

STATUSES = {"Optimal": "optimal", "Feasible": "feasible", "Infeasible": "infeasible"}


def build(problem: dict[str, Any]) -> Model:
    """State the problem."""
    model = Model()
    resources = {}
    for resource in problem["resources"]:
        if resource["type"] == "machine":
            resources[resource["id"]] = model.add_machine()
        elif resource["type"] == "renewable":
            resources[resource["id"]] = model.add_renewable(resource["capacity"])
        else:
            resources[resource["id"]] = model.add_consumable(resource["capacity"])
    tasks = {}
    for entry in problem["jobs"]:
        job = model.add_job()
        chain = []
        for task in entry["tasks"]:
            tasks[task["id"]] = model.add_task(job=job)
            chain.append(tasks[task["id"]])
            for mode in task["modes"]:
                used = {mode["machine"]: 0} if mode["machine"] is not None else {}
                used |= mode["demands"]
                model.add_mode(
                    tasks[task["id"]],
                    [resources[name] for name in used],
                    mode["duration"],
                    list(used.values()),
                )
        if entry["chain"]:
            for before, after in pairwise(chain):
                model.add_end_before_start(before, after)
    for link in problem["precedences"]:
        relate(model, link, tasks[link["before"]], tasks[link["after"]])
    return model


def relate(model: Model, link: dict[str, Any], before: Any, after: Any) -> None:
    """Post one precedence."""
    forward = {
        "end-start": model.add_end_before_start,
        "start-start": model.add_start_before_start,
        "end-end": model.add_end_before_end,
        "start-end": model.add_start_before_end,
    }
    backward = {
        "end-start": model.add_start_before_end,
        "start-start": model.add_start_before_start,
        "end-end": model.add_end_before_end,
        "start-end": model.add_end_before_start,
    }
    if link["min_lag"] is not None:
        forward[link["kind"]](before, after, link["min_lag"])
    if link["max_lag"] is not None:
        backward[link["kind"]](after, before, -link["max_lag"])


def main() -> None:
    """Solve one document."""
    parser = argparse.ArgumentParser()
    parser.add_argument("document", type=Path)
    parser.add_argument("--time-limit", type=float, default=10.0)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--build-only", action="store_true")
    options = parser.parse_args()
    problem = json.loads(options.document.read_text(encoding="utf-8"))
    began = time.perf_counter()
    model = build(problem)
    row: dict[str, Any]
    if options.build_only:
        CPModel(model.data())
        row = {"build": time.perf_counter() - began}
    else:
        left = max(0.1, options.time_limit - (time.perf_counter() - began))
        result = model.solve(time_limit=left, num_workers=options.workers, display=False)
        status = STATUSES.get(result.status.value, "unknown")
        found = status in ("optimal", "feasible")
        row = {
            "status": status,
            "objective": result.objective if found else None,
            "bound": result.lower_bound if status != "infeasible" else None,
            "seconds": time.perf_counter() - began,
        }
    json.dump(row, sys.stdout)


if __name__ == "__main__":
    main()
