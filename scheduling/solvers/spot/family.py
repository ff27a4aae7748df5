"""The family ``spot`` as the driver sees it."""

from __future__ import annotations

from typing import Any

from scheduling.models.spot.arrays import Run, Runs, SpotArrays, compile_spot
from scheduling.models.spot.bounds import cost_bound
from scheduling.models.spot.check import check_spot
from scheduling.models.spot.problem import SpotProblem
from scheduling.models.spot.solution import InstanceRun, SpotSolution
from scheduling.solvers.board import Board
from scheduling.solvers.compiled import Compiled
from scheduling.solvers.registry import Family


class CompiledSpot(Compiled[SpotProblem, SpotArrays, Runs, SpotSolution]):
    """A problem with its tables; a candidate has the runs of instances."""

    solution = SpotSolution

    @staticmethod
    def compiled(problem: SpotProblem) -> SpotArrays:
        """Compile the tables."""
        return compile_spot(problem)

    @property
    def tiers(self) -> tuple[str, ...]:
        """Names of the objective's tiers."""
        return ("cost",)

    def bounds(self) -> list[int | None] | None:
        """Bound by formula; ``None`` when the work cannot be done in time."""
        bound = cost_bound(self.arrays)
        return None if bound is None else [bound]

    def values(self, candidate: Runs) -> tuple[int, ...]:
        """Value of each tier."""
        return (self.arrays.cost(candidate),)

    def candidate(self, solution: SpotSolution) -> Runs | None:
        """Translate a solution; one with unknown regions is none."""
        number: dict[str | None, int] = {None: len(self.problem.regions)}
        number |= {region.id: row for row, region in enumerate(self.problem.regions)}
        if any(run.region not in number for run in solution.runs):
            return None
        return tuple(Run(number[run.region], run.start, run.end) for run in solution.runs)

    def fields(self, candidate: Runs) -> dict[str, Any]:
        """Return the runs of the solution."""
        names = [*(region.id for region in self.problem.regions), None]
        return {
            "runs": tuple(
                InstanceRun(region=names[run.instance], start=run.start, end=run.end)
                for run in candidate
            )
        }


def offer(data: CompiledSpot, board: Board[Runs], runs: Runs, solver: str) -> bool:
    """Post runs; tell whether they are the best so far."""
    return board.offer(runs, data.values(runs), solver)


FAMILY: Family[Runs] = Family(
    kind="spot",
    compile=CompiledSpot,
    check=check_spot,
    home="scheduling.solvers.spot",
    solvers={
        "auto": "auto:Auto",
        "dynamic-program": "dynamic:DynamicProgram",
        "uniform-progress": "rules:UniformProgress",
        "greedy": "rules:Greedy",
        "on-demand": "rules:OnDemand",
    },
)
