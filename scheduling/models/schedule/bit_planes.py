"""Experts whose weights come over a link bit plane by bit plane, as scheduling problems."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from scheduling.models.schedule.builder import ScheduleModel
from scheduling.models.schedule.problem import ScheduleProblem

LINK, GPU = "link", "gpu"

Plane = tuple[int, int]
"""An expert, and the number of one of its planes."""


@dataclass(frozen=True)
class SlicedExperts:
    """Experts with nested bit-widths: a width needs all planes up to its own.

    Attributes
    ----------
    load
        For each expert the time that the link takes for each of its planes, lowest bits first.
    work
        For each of these planes the time that the GPU takes for the tokens of just that width.
    tokens
        Their number.
    """

    load: tuple[tuple[int, ...], ...]
    work: tuple[tuple[int, ...], ...]
    tokens: tuple[tuple[int, ...], ...]

    def planes(self) -> list[Plane]:
        """Return all planes, expert by expert."""
        return [
            (expert, plane) for expert, row in enumerate(self.load) for plane in range(len(row))
        ]

    def problem(self, name: str = "bit planes") -> ScheduleProblem:
        """State the layer: planes in order on the link, tokens on the GPU once theirs are there."""
        model = ScheduleModel(name)
        for machine in (LINK, GPU):
            model.add_machine(machine)
        for expert, row in enumerate(self.load):
            job = model.add_job(f"expert {expert}")
            for plane, load in enumerate(row):
                here = model.add_task(
                    job, duration=load, machine=LINK, name=f"load {expert}.{plane}"
                )
                if plane:
                    model.add_precedence(f"load {expert}.{plane - 1}", here)
                if self.work[expert][plane]:
                    run = model.add_task(
                        job,
                        duration=self.work[expert][plane],
                        machine=GPU,
                        name=f"run {expert}.{plane}",
                    )
                    model.add_precedence(here, run)
        return model.build()

    def makespan(self, order: Sequence[Plane]) -> int:
        """Time of the layer when planes are loaded in an order and tokens run as theirs arrive.

        For a given order of the link no other order on the GPU ends earlier, as a machine that
        takes jobs as they are released is never idle without need.
        """
        link = gpu = 0
        for expert, plane in order:
            link += self.load[expert][plane]
            work = self.work[expert][plane]
            if work:
                gpu = max(gpu, link) + work
        return max(gpu, link)

    def bound(self) -> int:
        """Lower bound: all loads and the least work, or the first work's planes and all work."""
        works = [work for row in self.work for work in row if work]
        if not works:
            return sum(map(sum, self.load))
        first = min(
            sum(loads[: plane + 1])
            for loads, row in zip(self.load, self.work, strict=True)
            for plane, work in enumerate(row)
            if work
        )
        last = min((row[-1] for row in self.work), default=0)
        return max(sum(map(sum, self.load)) + last, first + sum(works))
