"""The family ``schedule`` as the driver sees it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from scheduling.errors import UnsupportedError
from scheduling.models.schedule.arrays import Ints, ScheduleArrays
from scheduling.models.schedule.bounds import formula_bounds
from scheduling.models.schedule.check import check_schedule
from scheduling.models.schedule.compiling import compile_arrays
from scheduling.models.schedule.problem import ScheduleProblem
from scheduling.models.schedule.solution import ScheduledTask, ScheduleSolution
from scheduling.solvers.compiled import Compiled
from scheduling.solvers.registry import Family
from scheduling.solvers.schedule.features import largest_value
from scheduling.solvers.schedule.slack import without_slack

_LARGEST = 2**62
"""Values of schedules stay below this: those of a heuristic may end later than the horizon."""


@dataclass(frozen=True, eq=False)
class Candidate:
    """A complete schedule: ``start`` and global ``mode`` index of each task."""

    start: Ints
    mode: Ints


class CompiledSchedule(Compiled[ScheduleProblem, ScheduleArrays, Candidate, ScheduleSolution]):
    """A scheduling problem with its arrays, without demands that never decide anything."""

    solution = ScheduleSolution

    @staticmethod
    def compiled(problem: ScheduleProblem) -> ScheduleArrays:
        """Compile the arrays."""
        return without_slack(compile_arrays(problem))

    @property
    def tiers(self) -> tuple[str, ...]:
        """Names of the objective's tiers."""
        return tuple(tier.name for tier in self.problem.objective.tiers)

    def bounds(self) -> list[int | None] | None:
        """Bounds by formula, see :func:`formula_bounds`.

        Raises
        ------
        UnsupportedError
            When 64 bits may not hold the values of schedules.
        """
        size = largest_value(self.arrays)
        if size >= _LARGEST:
            reason = f"values of the objective may reach {size:.1e}, above {_LARGEST:.1e}"
            raise UnsupportedError(f"{reason}; use a coarser unit of time or smaller weights")
        return formula_bounds(self.arrays)

    def values(self, candidate: Candidate) -> tuple[int, ...]:
        """Value of each tier."""
        return self.arrays.values(candidate.start, candidate.mode)

    def candidate(self, solution: ScheduleSolution) -> Candidate | None:
        """Translate a solution; one that leaves out a task that must run is no candidate."""
        placed = {entry.task: entry for entry in solution.tasks}
        arrays = self.arrays
        counts, optional = np.diff(arrays.mode_ptr) - arrays.optional, arrays.optional.tolist()
        start, local = [], []
        rows = zip(arrays.task_ids, counts.tolist(), optional, strict=True)
        for name, count, may_skip in rows:
            entry = placed.get(name)
            if entry is None and not may_skip:
                return None
            if entry is not None and entry.mode >= count:
                return None
            start.append(0 if entry is None else entry.start)
            local.append(count if entry is None else entry.mode)
        return Candidate(np.array(start, np.int64), arrays.mode_ptr[:-1] + np.array(local))

    def fields(self, candidate: Candidate) -> dict[str, Any]:
        """Return the tasks of the solution."""
        arrays = self.arrays
        end = arrays.ends(candidate.start, candidate.mode)
        local = candidate.mode - arrays.mode_ptr[:-1]
        rows = zip(
            arrays.task_ids,
            local.tolist(),
            candidate.start.tolist(),
            end.tolist(),
            arrays.absent[candidate.mode].tolist(),
            strict=True,
        )
        entries = tuple(
            ScheduledTask(task=t, mode=m, start=s, end=e)
            for t, m, s, e, skipped in rows
            if not skipped
        )
        return {"tasks": entries}


FAMILY: Family[Candidate] = Family(
    kind="schedule",
    compile=CompiledSchedule,
    check=check_schedule,
    home="scheduling.solvers.schedule",
    solvers={
        "auto": "auto:Auto",
        "cp-sat": "cpsat.solver:CpSat",
        "mip": "mip.solver:Mip",
        "dispatch": "dispatch:dispatcher",
        "giffler-thompson": "dispatch:GifflerThompson",
        "sgs": "sgs:ScheduleGeneration",
        "tabu": "tabu:Tabu",
        "blocking": "blocking:Blocking",
        "crews": "crews:Crews",
        "genetic": "genetic:Genetic",
        "lns": "lns:Lns",
        "heft": "listing.solvers:Heft",
        "cpop": "listing.solvers:Cpop",
        "peft": "listing.solvers:Peft",
        "insertion": "insertion:Insertion",
        "tardiness": "tardiness.solver:Tardiness",
        "neh": "permutation.iterated_greedy:Neh",
        "iterated-greedy": "permutation.iterated_greedy:IteratedGreedy",
        "tour": "permutation.tour:Tour",
        "assignment": "assignment:Assignment",
    },
)
