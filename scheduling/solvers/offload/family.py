"""The family ``offload`` as the driver sees it."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from scheduling.models.offload.arrays import OffloadArrays, compile_offload
from scheduling.models.offload.bounds import delay_bound, energy_bound
from scheduling.models.offload.check import check_offload
from scheduling.models.offload.problem import MILLION, Assignment, OffloadProblem
from scheduling.models.offload.solution import OffloadSolution, Sent
from scheduling.solvers.board import Board
from scheduling.solvers.compiled import Compiled
from scheduling.solvers.registry import Family


class CompiledOffload(Compiled[OffloadProblem, OffloadArrays, Assignment, OffloadSolution]):
    """A problem with its offers; a candidate has the offer that each task takes."""

    solution = OffloadSolution

    @staticmethod
    def compiled(problem: OffloadProblem) -> OffloadArrays:
        """Compile the offers."""
        return compile_offload(problem)

    @property
    def tiers(self) -> tuple[str, ...]:
        """Names of the objective's tiers."""
        return self.arrays.goals

    @property
    def units(self) -> tuple[Fraction, ...]:
        """Microseconds and microjoules."""
        return (Fraction(1, MILLION),) * len(self.arrays.goals)

    def bounds(self) -> list[int | None] | None:
        """Bounds by formula; ``None`` when they are above a limit."""
        delay, energy = delay_bound(self.arrays), energy_bound(self.arrays)
        if not self.arrays.allows(delay, energy):
            return None
        return [{"delay": delay, "energy": energy}[goal] for goal in self.arrays.goals]

    def values(self, candidate: Assignment) -> tuple[int, ...]:
        """Value of each tier."""
        delay, energy = self.arrays.sums(candidate)
        return tuple({"delay": delay, "energy": energy}[goal] for goal in self.arrays.goals)

    def candidate(self, solution: OffloadSolution) -> Assignment | None:
        """Translate a solution; one that leaves a task out, or names another server, is none."""
        server = {entry.task: entry.server for entry in solution.sent}
        found = []
        for task in self.problem.tasks:
            names = [offer.server for offer in task.offers]
            if server.get(task.id) not in names:
                return None
            found.append(names.index(server[task.id]))
        return tuple(found)

    def fields(self, candidate: Assignment) -> dict[str, Any]:
        """Return where each task goes."""
        rows = zip(self.problem.tasks, candidate, strict=True)
        return {"sent": tuple(Sent(task=t.id, server=t.offers[k].server) for t, k in rows)}


def offer(
    data: CompiledOffload, board: Board[Assignment], assignment: Assignment, solver: str
) -> bool:
    """Post an assignment that keeps the limits; tell whether it is the best so far."""
    delay, energy = data.arrays.sums(assignment)
    if not data.arrays.allows(delay, energy):
        return False
    return board.offer(assignment, data.values(assignment), solver)


FAMILY: Family[Assignment] = Family(
    kind="offload",
    compile=CompiledOffload,
    check=check_offload,
    home="scheduling.solvers.offload",
    solvers={
        "auto": "auto:Auto",
        "greedy": "policies:Greedy",
        "ant-colony": "policies:AntColony",
        "least-loaded": "policies:LeastLoaded",
        "round-robin": "policies:RoundRobin",
        "moves": "moves:Moves",
        "cp-sat": "cpsat:CpSat",
    },
)
