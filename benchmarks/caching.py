"""Prefix caches on Mooncake's traces: policies beside the certified optimum, by capacity.

The cost is the tokens that are computed again; a cache without limit still computes every block
once, so that the share above that is shown as well.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import dataclass

from figures import add_output, write_figures

import scheduling as sch
from scheduling.cli.output import table
from scheduling.instances.caching.prefixes import prefix_cache
from scheduling.instances.caching.random_traces import cache_trace
from scheduling.instances.requests.reading import read_requests
from scheduling.models.caching.problem import CachingProblem
from scheduling.models.caching.solution import CachingSolution
from scheduling.scenarios.scenario import data_folder
from scheduling.solvers.caching.family import FAMILY, CompiledCaching

POLICIES = ("lru", "lfu", "fifo", "greedy-dual", "greedy-dual-frequency", "hit-density")
CERTIFIED = ("belady", "flow")
TRACES = ("conversation_trace.jsonl.gz", "synthetic_trace.jsonl")
CAPACITIES = (1000, 3000, 10000, 20000, 30000, 50000)
_HOUR = 3600.0


@dataclass(frozen=True)
class Outcome:
    """One solver on one problem; ``above`` is its cost above the best bound, as a share of it.

    ``above_first`` is the same without the cost of first uses, which no cache saves; ``None`` where
    the bound is no more than that. ``cpu_seconds`` is processor time, compiling included.
    """

    name: str
    capacity: int
    solver: str
    cost: float
    bound: float
    above: float
    above_first: float | None
    cpu_seconds: float


def outcomes(problem: CachingProblem, seconds: float) -> list[Outcome]:
    """Solve with every policy, and with what certifies."""
    found: list[tuple[str, CachingSolution, float]] = []
    takers = FAMILY.takers(CompiledCaching(problem))
    for solver in filter(takers.__contains__, (*POLICIES, *CERTIFIED)):
        begun = time.process_time()
        answer: CachingSolution = sch.solve(problem, solver, time_limit=seconds, workers=1)
        found.append((solver, answer, time.process_time() - begun))
    bound = max(answer.bound for _, answer, _ in found if answer.bound is not None)
    cost = {entry.id: entry.cost for entry in problem.objects}
    used = {name for names in problem.requests for name in names}
    first = sum(cost[name] for name in used)
    return [
        Outcome(
            name=problem.name or "",
            capacity=problem.capacity,
            solver=solver,
            cost=answer.objective,
            bound=bound,
            above=answer.objective / bound - 1,
            above_first=(answer.objective - bound) / (bound - first) if bound > first else None,
            cpu_seconds=seconds_used,
        )
        for solver, answer, seconds_used in found
        if answer.objective is not None
    ]


def problems(capacities: list[int], *, generated: bool) -> list[CachingProblem]:
    """Return the first hour of each trace at each capacity, or random traces."""
    if generated:
        return [cache_trace(objects=200, requests=2000, share=share) for share in (0.05, 0.2)]
    folder = data_folder()
    if folder is None:
        raise SystemExit("set SCHEDULING_DATA, or ask for --generated")
    found = []
    for name in TRACES:
        trace = read_requests(folder / "llm_mooncake" / name)
        for capacity in capacities:
            problem = prefix_cache(trace, capacity, until=_HOUR)
            found.append(problem.model_copy(update={"name": name.partition("_")[0]}))
    return found


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("capacities", nargs="*", type=int, default=[], help="in blocks")
    parser.add_argument("--generated", action="store_true", help="random traces")
    parser.add_argument("--time-limit", type=float, default=60.0, help="seconds for each solver")
    add_output(parser)
    options = parser.parse_args()
    capacities = options.capacities or list(CAPACITIES)
    found = [
        entry
        for problem in problems(capacities, generated=options.generated)
        for entry in outcomes(problem, options.time_limit)
    ]
    headers = ["trace", "capacity", "solver", "cost", "above bound", "without first uses", "CPU s"]
    rows = [
        [
            entry.name,
            str(entry.capacity),
            entry.solver,
            f"{entry.cost:.0f}",
            f"{100 * entry.above:.1f} %",
            "" if entry.above_first is None else f"{100 * entry.above_first:.0f} %",
            f"{entry.cpu_seconds:.1f}",
        ]
        for entry in found
    ]
    table(headers, rows)
    write_figures(options.output, found)


if __name__ == "__main__":
    main()
