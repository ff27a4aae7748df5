"""The family ``batching`` as the driver sees it."""

from __future__ import annotations

from typing import Any

import numpy as np

from scheduling.models.batching.arrays import BatchingArrays, Plan, compile_batching
from scheduling.models.batching.bounds import value_bound
from scheduling.models.batching.check import check_batching
from scheduling.models.batching.problem import BatchingProblem
from scheduling.models.batching.solution import Attempt, BatchingSolution, Start
from scheduling.solvers.board import Board
from scheduling.solvers.compiled import Compiled
from scheduling.solvers.registry import Family


class CompiledBatching(Compiled[BatchingProblem, BatchingArrays, Plan, BatchingSolution]):
    """A problem with its arrays; a candidate says when each request starts."""

    solution = BatchingSolution

    @staticmethod
    def compiled(problem: BatchingProblem) -> BatchingArrays:
        """Compile the arrays."""
        return compile_batching(problem)

    @property
    def tiers(self) -> tuple[str, ...]:
        """Names of the objective's tiers."""
        return (self.problem.objective,)

    @property
    def senses(self) -> tuple[str, ...]:
        """Requests on time are maximised."""
        return ("max" if self.problem.objective == "on-time" else "min",)

    def bounds(self) -> list[int | None] | None:
        """Bound by formula."""
        return [value_bound(self.arrays)]

    def values(self, candidate: Plan) -> tuple[int, ...]:
        """Value of each tier."""
        return (self.arrays.value(candidate),)

    def candidate(self, solution: BatchingSolution) -> Plan | None:
        """Translate a solution; one that does not start every request once is none."""
        number = {request.id: row for row, request in enumerate(self.problem.requests)}
        starts = np.full(self.arrays.n, -1, np.int64)
        names = [entry.request for entry in solution.starts]
        names += [entry.request for entry in solution.evicted]
        if any(name not in number for name in names):
            return None
        for entry in solution.starts:
            starts[number[entry.request]] = entry.start
        if len(solution.starts) != self.arrays.n or (starts < 0).any():
            return None
        evicted = tuple((number[e.request], e.start, e.slots) for e in solution.evicted)
        return Plan(starts, evicted)

    def fields(self, candidate: Plan) -> dict[str, Any]:
        """Return the starts of the solution."""
        names = [request.id for request in self.problem.requests]
        rows = zip(names, candidate.starts.tolist(), strict=True)
        return {
            "starts": tuple(Start(request=name, start=start) for name, start in rows),
            "evicted": tuple(
                Attempt(request=names[row], start=start, slots=slots)
                for row, start, slots in candidate.evicted
            ),
        }


def offer(data: CompiledBatching, board: Board[Plan], plan: Plan, solver: str) -> bool:
    """Post a plan; tell whether it is the best so far."""
    return board.offer(plan, data.values(plan), solver)


FAMILY: Family[Plan] = Family(
    kind="batching",
    compile=CompiledBatching,
    check=check_batching,
    home="scheduling.solvers.batching",
    solvers={
        "auto": "auto:Auto",
        "lp": "lp:LinearBound",
        "mip": "mip:Mip",
        "cp-sat": "cpsat:CpSat",
        "local-search": "local_search:LocalSearch",
        "mc-sf": "policies:McSf",
        "shortest-first": "policies:ShortestFirst",
        "smallest-area": "policies:SmallestArea",
        "earliest-due": "policies:EarliestDue",
        "fcfs-peak": "policies:FcfsPeak",
        "fcfs-evict": "policies:FcfsEvict",
    },
)
