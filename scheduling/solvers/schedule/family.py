"""The family ``schedule`` as the driver sees it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from scheduling.models.schedule.arrays import Ints, ScheduleArrays
from scheduling.models.schedule.bounds import formula_bounds
from scheduling.models.schedule.check import check_schedule
from scheduling.models.schedule.compiling import compile_arrays
from scheduling.models.schedule.problem import ScheduleProblem
from scheduling.models.schedule.solution import ScheduledTask, ScheduleSolution
from scheduling.solvers.registry import Family
from scheduling.solvers.schedule.slack import without_slack


@dataclass(frozen=True, eq=False)
class Candidate:
    """A complete schedule: ``start`` and global ``mode`` index of each task."""

    start: Ints
    mode: Ints


@dataclass(frozen=True, eq=False)
class CompiledSchedule:
    """A scheduling problem with its arrays, without demands that never decide anything."""

    problem: ScheduleProblem
    arrays: ScheduleArrays = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "arrays", without_slack(compile_arrays(self.problem)))

    @property
    def tiers(self) -> tuple[str, ...]:
        """Names of the objective's tiers."""
        return tuple(tier.name for tier in self.problem.objective.tiers)

    def bounds(self) -> list[int | None] | None:
        """Bounds by formula, see :func:`formula_bounds`."""
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

    def answer(
        self, candidate: Candidate | None, certificate: Mapping[str, Any]
    ) -> ScheduleSolution:
        """Build the solution."""
        return ScheduleSolution(
            problem=self.problem.name,
            tasks=() if candidate is None else self._entries(candidate),
            **certificate,
        )

    def _entries(self, candidate: Candidate) -> tuple[ScheduledTask, ...]:
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
        return tuple(
            ScheduledTask(task=t, mode=m, start=s, end=e)
            for t, m, s, e, skipped in rows
            if not skipped
        )


_HERE = "scheduling.solvers.schedule"

FAMILY: Family[Candidate] = Family(
    kind="schedule",
    facts=f"{_HERE}.profile:profile",
    compile=CompiledSchedule,
    check=check_schedule,
    solvers={
        "auto": f"{_HERE}.auto:Auto",
        "cp-sat": f"{_HERE}.cpsat.solver:CpSat",
        "mip": f"{_HERE}.mip.solver:Mip",
        "dispatch": f"{_HERE}.dispatch:dispatcher",
        "giffler-thompson": f"{_HERE}.dispatch:GifflerThompson",
        "sgs": f"{_HERE}.sgs:ScheduleGeneration",
        "tabu": f"{_HERE}.tabu:Tabu",
        "blocking": f"{_HERE}.blocking:Blocking",
        "crews": f"{_HERE}.crews:Crews",
        "genetic": f"{_HERE}.genetic:Genetic",
        "lns": f"{_HERE}.lns:Lns",
        "heft": f"{_HERE}.listing.solvers:Heft",
        "cpop": f"{_HERE}.listing.solvers:Cpop",
        "peft": f"{_HERE}.listing.solvers:Peft",
        "insertion": f"{_HERE}.insertion:Insertion",
        "tardiness": f"{_HERE}.tardiness.solver:Tardiness",
        "neh": f"{_HERE}.permutation.iterated_greedy:Neh",
        "iterated-greedy": f"{_HERE}.permutation.iterated_greedy:IteratedGreedy",
        "tour": f"{_HERE}.permutation.tour:Tour",
        "assignment": f"{_HERE}.assignment:Assignment",
    },
)
