"""Transactions, a task of "Barbarians at the Gate": an order of a batch that ends early."""

from __future__ import annotations

import json
import time

from scheduling.models.ordering.batch import Batch
from scheduling.scenarios.scenario import Row, Run
from scheduling.solvers.ordering.orders import Ordered, append_best, best_order

FILES = ("adrs_txn/instances.json", "adrs_txn/best_known.json")


def rows(limits: Run, seconds: float) -> list[Row]:
    """Order every batch, small ones first: what they leave of the time is for the large ones."""
    stated, known = (
        json.loads(limits.file("adrs", name).read_text(encoding="utf-8")) for name in FILES
    )
    batches = {entry["name"]: Batch.read(entry["txns"]) for entry in stated["instances"]}
    best = {name: known["instances"][name]["best"] for name in batches}
    ends = time.monotonic() + seconds
    found: dict[str, Ordered] = {}
    order = sorted(batches, key=lambda name: (len(batches[name].transactions), name))
    for number, name in enumerate(order):
        sizes = [len(batches[other].transactions) ** 2 for other in order[number:]]
        left = max(0.0, ends - time.monotonic())
        found[name] = best_order(batches[name], left * sizes[0] / sum(sizes))
    return [
        _row(
            workload, [name for name in order if _workload(name) == workload], batches, found, best
        )
        for workload in sorted(set(map(_workload, order)))
    ]


def _workload(name: str) -> str:
    return name.partition("-")[0]


def _row(
    workload: str,
    names: list[str],
    batches: dict[str, Batch],
    found: dict[str, Ordered],
    known: dict[str, int],
) -> Row:
    value = sum(found[name].makespan for name in names)
    bound = sum(found[name].bound for name in names)
    greedy = sum(batches[name].makespan(append_best(batches[name])) for name in names)
    reached = sum(found[name].makespan <= known[name] for name in names)
    below = sum(found[name].makespan < known[name] for name in names)
    return Row(
        case=f"{len(names)} batches of transactions, workload {workload}",
        measure="makespan, summed",
        baseline="append what ends first",
        baseline_value=float(greedy),
        method="annealing and CP-SAT",
        value=float(value),
        gap=1.0 - bound / value,
        published=f"best known {sum(known[name] for name in names)}",
        verdict=f"{reached} of {len(names)} as good as the best known, {below} better; "
        f"{sum(found[name].proven for name in names)} proven",
    )
