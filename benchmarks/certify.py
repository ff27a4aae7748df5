"""How far runs of requests are certified: batching under one memory, and prompts in time, by size.

Each row is a policy or a solver on one drawn problem, beside the best bound that any of them
proved; processor time includes compiling.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import dataclass

from figures import add_output, write_figures

import scheduling as sch
from scheduling.cli.output import table
from scheduling.instances.batching.random_batches import batching
from scheduling.instances.prefill.random_prompts import prompts
from scheduling.models.base import Problem, relative_gap

SOLVERS = {
    "batching": ("fcfs-evict", "fcfs-peak", "mc-sf", "shortest-first", "smallest-area", "lp"),
    "prefill": ("fcfs", "edf", "srpt", "s-edf", "intervals", "lawler"),
}
EXACT = {"batching": "mip", "prefill": "cp-sat"}
SIZES = (10, 20, 40, 80)
_EXACT_SIZE = 10


@dataclass(frozen=True)
class Outcome:
    """One solver on one problem; ``gap`` is to the best bound of all solvers."""

    name: str
    requests: int
    solver: str
    value: float
    bound: float
    gap: float | None
    proven: bool
    cpu_seconds: float


def outcomes(problem: Problem, size: int, seconds: float) -> list[Outcome]:
    """Solve with every policy, with what bounds, and the small ones exactly."""
    solvers = SOLVERS[problem.kind]
    if size <= _EXACT_SIZE:
        solvers = (*solvers, EXACT[problem.kind])
    found = []
    for solver in solvers:
        begun = time.process_time()
        answer = sch.solve(problem, solver, time_limit=seconds, workers=1)
        found.append((solver, answer, time.process_time() - begun))
    bounds = [answer.bound for _, answer, _ in found]
    best = min(bounds) if problem.kind == "prefill" else max(bounds)
    return [
        Outcome(
            name=problem.name or "",
            requests=size,
            solver=solver,
            value=answer.objective,
            bound=best,
            gap=relative_gap(answer.objective, best),
            proven=answer.status == "optimal",
            cpu_seconds=used,
        )
        for solver, answer, used in found
    ]


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("sizes", nargs="*", type=int, default=[], help="requests of a problem")
    parser.add_argument("--load", type=float, default=1.2, help="of prompts")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--time-limit", type=float, default=60.0, help="seconds for each solver")
    add_output(parser)
    options = parser.parse_args()
    found = [
        entry
        for size in options.sizes or SIZES
        for problem in (
            batching(requests=size, seed=options.seed),
            prompts(requests=size, load=options.load, seed=options.seed),
        )
        for entry in outcomes(problem, size, options.time_limit)
    ]
    headers = ["problem", "solver", "value", "best bound", "gap", "proven", "CPU s"]
    rows = [
        [
            entry.name,
            entry.solver,
            f"{entry.value:g}",
            f"{entry.bound:g}",
            "-" if entry.gap is None else f"{100 * entry.gap:.1f} %",
            "yes" if entry.proven else "",
            f"{entry.cpu_seconds:.2f}",
        ]
        for entry in found
    ]
    table(headers, rows)
    write_figures(options.output, found)


if __name__ == "__main__":
    main()
