"""The family ``loop`` as the driver sees it."""

from __future__ import annotations

from typing import Any

from scheduling.models.loop.arrays import LoopArrays, Pipeline, compile_loop
from scheduling.models.loop.bounds import interval_bound, length_bound
from scheduling.models.loop.check import check_loop
from scheduling.models.loop.problem import LoopProblem
from scheduling.models.loop.solution import LoopSolution, Start
from scheduling.solvers.compiled import Compiled
from scheduling.solvers.registry import Family


class CompiledLoop(Compiled[LoopProblem, LoopArrays, Pipeline, LoopSolution]):
    """A problem with its arrays; a candidate is an interval with starts and warps."""

    solution = LoopSolution

    @staticmethod
    def compiled(problem: LoopProblem) -> LoopArrays:
        """Compile the arrays."""
        return compile_loop(problem)

    @property
    def tiers(self) -> tuple[str, ...]:
        """Names of the objective's tiers."""
        return ("interval", "length")

    def bounds(self) -> list[int | None] | None:
        """Bounds by formula; the length's holds at every interval that anything needs.

        ``None`` when the interval's is above each of those.
        """
        arrays = self.arrays
        least = interval_bound(arrays)
        if least > arrays.longest_interval:
            return None
        return [least, length_bound(arrays, arrays.longest_interval)]

    def values(self, candidate: Pipeline) -> tuple[int, ...]:
        """Value of each tier."""
        return self.arrays.values(candidate)

    def candidate(self, solution: LoopSolution) -> Pipeline | None:
        """Translate a solution; one that lacks operations or warps is none."""
        entries = {entry.operation: entry for entry in solution.starts}
        names = [operation.id for operation in self.problem.operations]
        if solution.interval is None or set(entries) != set(names):
            return None
        number = {name: index for index, name in enumerate(self.problem.warps)}
        found = [entries[name].warp for name in names]
        if number and not all(name in number for name in found):
            return None
        warps = tuple(number[name] for name in found if name is not None) if number else ()
        return Pipeline(solution.interval, tuple(entries[name].start for name in names), warps)

    def fields(self, candidate: Pipeline) -> dict[str, Any]:
        """Return interval, stages and starts of the solution."""
        problem = self.problem
        interval, length = self.values(candidate)
        warps: list[str | None] = [problem.warps[warp] for warp in candidate.warps]
        warps = warps or [None] * len(problem.operations)
        rows = zip(problem.operations, candidate.starts, warps, strict=True)
        starts = tuple(Start(operation=v.id, start=at, warp=warp) for v, at, warp in rows)
        stages = max(1, -(-length // interval))
        return {"interval": interval, "stages": stages, "starts": starts}


FAMILY: Family[Pipeline] = Family(
    kind="loop",
    compile=CompiledLoop,
    check=check_loop,
    home="scheduling.solvers.loop",
    solvers={
        "auto": "auto:Auto",
        "cp-sat": "cpsat:CpSat",
        "coarse": "coarse:Coarse",
        "mip": "mip:Mip",
        "ims": "ims:Ims",
    },
)
