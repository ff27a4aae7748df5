"""Serving fleets: against another planner on its own tables, and random fleets at size.

``plans`` reads the worker tables and plans of AIConfigurator (``gpu-profiles/aiconfigurator-plans``
in the folder that SCHEDULING_DATA names) and solves each GPU budget and each demand with the same
workers and the same formula, without nodes. ``fleets`` solves seeded random fleets and compares
with a greedy construction in the manner of GH of arXiv 2604.07472.
"""

from __future__ import annotations

import argparse
import csv
import os
import time
from pathlib import Path
from statistics import mean
from typing import Any

from figures import add_output, write_figures

import scheduling as sch
from scheduling.cli.output import table
from scheduling.instances.serving.random_fleets import serving_fleet
from scheduling.models.cost.layout import Layout
from scheduling.models.serving.problem import (
    RATE_SCALE,
    RATE_UNIT,
    Demand,
    Goal,
    Pool,
    ServingProblem,
    Template,
)

CEILINGS = {"prefill": (0.9,), "decode": (0.92,)}
"""What AIConfigurator takes of the rates of its workers."""

MOST_GPUS = 1024
"""Pool of the demand mode, which asks for as few of them as possible."""


def problem_of(
    folder: Path, row: dict[str, str], gpus: int, goal: Goal, rate: float | None
) -> ServingProblem:
    """State one row of the peer's plans with the peer's own workers."""
    model = row["model"].split("/")[-1].lower()
    name = f"workers_{model}_{row['system']}_{row['backend']}.csv"
    with (folder / name).open(encoding="utf-8") as file:
        workers = [worker for worker in csv.DictReader(file) if worker["admissible"] == "True"]
    return ServingProblem(
        pools=(Pool(id="pool", gpu=row["system"], gpus=gpus),),
        demands=(Demand(id="all", model=model, requests_per_second=rate),),
        templates=tuple(
            Template(
                id=worker["worker"],
                model=model,
                role="prefill" if worker["role"] == "prefill" else "decode",
                pool="pool",
                layout=Layout(tp=int(worker["gpus"])),
                rates={"all": float(worker["req_per_s"])},
                ceilings=CEILINGS[worker["role"]],
            )
            for worker in workers
        ),
        goals=(goal,),
    )


def rows_of(path: Path) -> list[dict[str, str]]:
    """Rows of a table."""
    with path.open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def budgets(folder: Path, options: argparse.Namespace) -> list[dict[str, Any]]:
    """Largest rate at every GPU budget of the peer's plans."""
    found = []
    for row in rows_of(folder / "plans_disagg.csv"):
        problem = problem_of(folder, row, int(row["gpus"]), "rate", None)
        prefill = {entry.id for entry in problem.templates if entry.role == "prefill"}
        began = time.monotonic()
        answer = sch.solve(problem, workers=options.workers, time_limit=options.time_limit)
        rate = sum(
            flow.micro_requests_per_second for flow in answer.flows if flow.template in prefill
        )
        found.append(
            {
                "model": row["model"],
                "gpus": int(row["gpus"]),
                "peer": float(row["aic_req_per_s"]),
                "exact": float(row["exact_req_per_s"]),
                "rate": rate / RATE_SCALE,
                "status": str(answer.status),
                "seconds": time.monotonic() - began,
            }
        )
    return found


def demands(folder: Path, options: argparse.Namespace) -> list[dict[str, Any]]:
    """Fewest GPUs for every rate asked for."""
    found = []
    for row in rows_of(folder / "demand_min_gpus.csv"):
        rate = float(row["target_req_per_s"])
        problem = problem_of(folder, row, MOST_GPUS, "gpus", rate)
        began = time.monotonic()
        answer = sch.solve(problem, workers=options.workers, time_limit=options.time_limit)
        found.append(
            {
                "model": row["model"],
                "rate": rate,
                "peer": min(int(row["aic_agg_gpus"]), int(row["aic_disagg_gpus"])),
                "exact": int(row["exact_disagg_gpus"]),
                "gpus": answer.tiers[0].objective,
                "status": str(answer.status),
                "seconds": time.monotonic() - began,
            }
        )
    return found


def plans(options: argparse.Namespace) -> dict[str, list[dict[str, Any]]]:
    """Compare with the peer's plans and print the table."""
    folder = options.plans or Path(os.environ["SCHEDULING_DATA"]) / "gpu-profiles" / (
        "aiconfigurator-plans"
    )
    # What the first solve of a process loads does not count.
    sch.solve(serving_fleet(models=1, types=1, nodes=1, seed=0), time_limit=1)
    found = {"budgets": budgets(folder, options), "demands": demands(folder, options)}
    rows = []
    tolerance = RATE_UNIT / RATE_SCALE
    for model in sorted({entry["model"] for entry in found["budgets"]}):
        here = [entry for entry in found["budgets"] if entry["model"] == model]
        wanted = [entry for entry in found["demands"] if entry["model"] == model]
        rows.append(
            [
                model,
                str(len(here)),
                str(sum(entry["rate"] >= entry["peer"] - tolerance for entry in here)),
                str(sum(abs(entry["rate"] - entry["exact"]) <= tolerance for entry in here)),
                f"{100 * mean(entry['rate'] / entry['peer'] - 1 for entry in here):.1f} %",
                str(sum(entry["status"] == "optimal" for entry in [*here, *wanted])),
                f"{max(entry['seconds'] for entry in [*here, *wanted]):.2f}",
                "/".join(
                    str(sum(entry[key] for entry in wanted)) for key in ("gpus", "exact", "peer")
                ),
            ]
        )
    headers = ["model", "budgets", ">= peer", "= exact", "mean gain", "proven", "slowest s"]
    table([*headers, "GPUs for demands: this/exact/peer"], rows, "AIConfigurator's own workers")
    return found


def fleet(options: argparse.Namespace, seed: int) -> dict[str, Any]:
    """Solve one random fleet."""
    problem = serving_fleet(
        models=options.models, types=options.types, nodes=options.nodes, seed=seed
    )
    first: list[float] = []
    began, cpu = time.monotonic(), time.process_time()
    answer = sch.solve(
        problem,
        workers=options.workers,
        time_limit=options.time_limit,
        on_progress=lambda report: (
            first.append(time.monotonic() - began)
            if report.objective is not None and not first
            else None
        ),
    )
    seconds, cpu = time.monotonic() - began, time.process_time() - cpu
    simple = sch.solve(problem, "greedy", workers=1, work_limit=1)
    cost = answer.tiers[-1]
    return {
        "fleet": problem.name,
        "first_plan": first[0] if first else None,
        "unserved": answer.tiers[0].objective,
        "cost": cost.objective,
        "bound": cost.bound,
        "gap": answer.gap,
        "greedy_cost": simple.tiers[-1].objective,
        "greedy_unserved": simple.tiers[0].objective,
        "seconds": seconds,
        "cpu_seconds": cpu,
    }


def fleets(options: argparse.Namespace) -> list[dict[str, Any]]:
    """Solve the random fleets and print the table."""
    found = [fleet(options, seed) for seed in range(options.seeds)]
    rows = [
        [
            entry["fleet"],
            f"{entry['first_plan']:.2f}",
            str(entry["unserved"]),
            str(entry["cost"]),
            str(entry["bound"]),
            f"{100 * entry['gap']:.2f} %",
            f"{100 * (entry['greedy_cost'] / entry['cost'] - 1):+.1f} %",
            f"{entry['seconds']:.1f}",
            f"{entry['cpu_seconds']:.1f}",
        ]
        for entry in found
    ]
    headers = ["fleet", "first plan s", "unserved", "cost", "bound", "gap", "greedy", "s", "CPU s"]
    table(headers, rows, f"{options.time_limit:g} s for each fleet, {options.workers} workers")
    return found


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("parts", nargs="+", choices=["plans", "fleets"])
    parser.add_argument("--plans", type=Path, help="folder with the peer's tables")
    parser.add_argument("--models", type=int, default=8)
    parser.add_argument("--types", type=int, default=4)
    parser.add_argument("--nodes", type=int, default=64, help="nodes of 8 GPUs")
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--time-limit", type=float, default=60.0)
    parser.add_argument("--workers", type=int, default=2)
    add_output(parser)
    options = parser.parse_args()
    if "plans" in options.parts and not options.plans and "SCHEDULING_DATA" not in os.environ:
        parser.error("set SCHEDULING_DATA, or give --plans")
    parts = {"plans": plans, "fleets": fleets}
    found = {name: parts[name](options) for name in options.parts}
    write_figures(options.output, found)


if __name__ == "__main__":
    main()
