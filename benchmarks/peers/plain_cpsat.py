"""Plain CP-SAT: the textbook model of a scheduling document, run as a process of its own.

Reads a document of kind ``schedule`` and writes ``{objective, bound, status, seconds, build}``.
One optional interval a mode, no-overlap on machines, cumulative on renewables, the makespan as
the maximum of all ends. It takes what the benchmark's instances hold: constant capacities,
precedences of any kind, the makespan.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from itertools import pairwise
from pathlib import Path
from typing import Any

from ortools.sat.python import cp_model


def build(problem: dict[str, Any]) -> cp_model.CpModel:
    """State the problem."""
    model = cp_model.CpModel()
    tasks = [task for job in problem["jobs"] for task in job["tasks"]]
    lags = sum(max(0, link["min_lag"] or 0) for link in problem["precedences"])
    horizon = sum(max(mode["duration"] for mode in task["modes"]) for task in tasks) + lags
    makespan = model.new_int_var(0, horizon, "makespan")
    users: dict[str, list[tuple[Any, int, Any]]] = {r["id"]: [] for r in problem["resources"]}
    start, end = {}, {}
    for task in tasks:
        key = task["id"]
        start[key] = model.new_int_var(0, horizon, "")
        if len(task["modes"]) == 1:
            mode = task["modes"][0]
            interval = model.new_fixed_size_interval_var(start[key], mode["duration"], "")
            end[key] = start[key] + mode["duration"]
            use(users, mode, interval, 1)
        else:
            end[key] = model.new_int_var(0, horizon, "")
            chosen = []
            for mode in task["modes"]:
                literal = model.new_bool_var("")
                interval = model.new_optional_interval_var(
                    start[key], mode["duration"], end[key], literal, ""
                )
                use(users, mode, interval, literal)
                chosen.append(literal)
            model.add_exactly_one(chosen)
        model.add(makespan >= end[key])
    limit_resources(model, problem, users)
    relate(model, problem, start, end)
    model.minimize(makespan)
    return model


def use(users: dict[str, Any], mode: dict[str, Any], interval: Any, literal: Any) -> None:
    """Note which resources a mode uses."""
    if mode["machine"] is not None:
        users[mode["machine"]].append((interval, 1, literal))
    for resource, amount in mode["demands"].items():
        users[resource].append((interval, amount, literal))


def limit_resources(
    model: cp_model.CpModel, problem: dict[str, Any], users: dict[str, Any]
) -> None:
    """Post one constraint a resource."""
    for resource in problem["resources"]:
        mine = users[resource["id"]]
        if not mine:
            continue
        if resource["type"] == "machine":
            model.add_no_overlap([interval for interval, _, _ in mine])
        elif resource["type"] == "renewable":
            intervals, amounts = [m[0] for m in mine], [m[1] for m in mine]
            model.add_cumulative(intervals, amounts, resource["capacity"])
        else:
            model.add(sum(amount * literal for _, amount, literal in mine) <= resource["capacity"])


def relate(model: cp_model.CpModel, problem: dict[str, Any], start: Any, end: Any) -> None:
    """Post chains and precedences."""
    for job in problem["jobs"]:
        if job["chain"]:
            for before, after in pairwise(job["tasks"]):
                model.add(start[after["id"]] >= end[before["id"]])
    for link in problem["precedences"]:
        first, second = link["kind"].split("-")
        x = (end if first == "end" else start)[link["before"]]
        y = (end if second == "end" else start)[link["after"]]
        if link["min_lag"] is not None:
            model.add(y >= x + link["min_lag"])
        if link["max_lag"] is not None:
            model.add(y <= x + link["max_lag"])


def main() -> None:
    """Solve one document."""
    parser = argparse.ArgumentParser()
    parser.add_argument("document", type=Path)
    parser.add_argument("--time-limit", type=float, default=10.0)
    parser.add_argument("--workers", type=int, default=8)
    parser.add_argument("--build-only", action="store_true")
    options = parser.parse_args()
    problem = json.loads(options.document.read_text(encoding="utf-8"))
    began = time.perf_counter()
    model = build(problem)
    built = time.perf_counter() - began
    row: dict[str, Any] = {"build": built}
    if not options.build_only:
        solver = cp_model.CpSolver()
        solver.parameters.num_workers = options.workers
        solver.parameters.max_time_in_seconds = max(0.1, options.time_limit - built)
        status = solver.solve(model)
        found = status in (cp_model.OPTIMAL, cp_model.FEASIBLE)
        row |= {
            "status": solver.status_name(status).lower(),
            "objective": solver.objective_value if found else None,
            "bound": solver.best_objective_bound if status != cp_model.INFEASIBLE else None,
            "seconds": time.perf_counter() - began,
        }
    json.dump(row, sys.stdout)


if __name__ == "__main__":
    main()
