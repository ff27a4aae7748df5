"""Transactions, a task of "Barbarians at the Gate": an order of a batch that ends early."""

from __future__ import annotations

import json

from scheduling.models.ordering.problem import OrderingProblem
from scheduling.models.ordering.solution import OrderingSolution
from scheduling.scenarios.scenario import Row, Run
from scheduling.scenarios.solving import solve

FILES = ("adrs_txn/instances.json", "adrs_txn/best_known.json")
_LEAST_SECONDS = 2.0


def rows(limits: Run, seconds: float) -> list[Row]:
    """Order every batch, small ones first: what they leave of the time is for the large ones."""
    stated, known = (
        json.loads(limits.file("adrs", name).read_text(encoding="utf-8")) for name in FILES
    )
    batches = {
        entry["name"]: OrderingProblem(name=entry["name"], transactions=tuple(entry["txns"]))
        for entry in stated["instances"]
    }
    best = {name: known["instances"][name]["best"] for name in batches}
    part = Run(seconds, limits.data)
    found: dict[str, OrderingSolution] = {}
    order = sorted(batches, key=lambda name: (len(batches[name].transactions), name))
    for number, name in enumerate(order):
        sizes = [len(batches[other].transactions) ** 2 for other in order[number:]]
        share = max(_LEAST_SECONDS, part.left * sizes[0] / sum(sizes))
        found[name] = solve(batches[name], time_limit=share)
    workloads = sorted({name.partition("-")[0] for name in order})
    return [
        _row(workload, {n: found[n] for n in order if n.startswith(f"{workload}-")}, batches, best)
        for workload in workloads
    ]


def _row(
    workload: str,
    found: dict[str, OrderingSolution],
    batches: dict[str, OrderingProblem],
    known: dict[str, int],
) -> Row:
    value = {name: int(answer.objective or 0) for name, answer in found.items()}
    bound = sum(int(answer.bound or 0) for answer in found.values())
    greedy = sum(int(solve(batches[name], "append", work_limit=1).objective or 0) for name in found)
    reached = sum(value[name] <= known[name] for name in found)
    below = sum(value[name] < known[name] for name in found)
    total = sum(value.values())
    return Row(
        case=f"{len(found)} batches of transactions, workload {workload}",
        measure="makespan, summed",
        baseline="best known",
        baseline_value=float(sum(known[name] for name in found)),
        method="auto",
        value=float(total),
        gap=1.0 - bound / total,
        published="no figure for these batches",
        verdict=f"append what ends first: {greedy}; {reached} of {len(found)} as good as the best "
        f"known, {below} better; "
        f"{sum(answer.gap == 0 for answer in found.values())} proven",
    )
