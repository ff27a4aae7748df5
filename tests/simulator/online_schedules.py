"""Online schedules for tests: drawn ones, how they are run, and what runs are worth."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hypothesis import assume
from hypothesis import strategies as st

import scheduling as sch
from scheduling.errors import UnsupportedError
from scheduling.models.base import Status
from scheduling.models.schedule.check import objective_values
from scheduling.models.schedule.online import OnlineSchedule
from scheduling.models.schedule.problem import ScheduleProblem
from scheduling.models.schedule.solution import ScheduledTask, ScheduleSolution
from scheduling.simulator.schedule.execute import execute
from scheduling.simulator.schedule.registry import POLICIES, policy
from tests.strategies import schedule_problems

QUICK = tuple(name for name in POLICIES if name != "resolve")

OPEN: dict[str, Any] = {
    "max_duration": 3,
    "calendars": False,
    "steps": False,
    "deadlines": False,
    "max_lags": False,
    "lags": False,
    "consumables": 0,
    "kinds": ("end-start",),
}


@st.composite
def online_problems(draw: st.DrawFn, /, **changes: Any) -> OnlineSchedule:
    """Tiny problems that can be run, with expected durations of their own."""
    blocking = draw(st.booleans())
    shape: dict[str, Any] = {"transfers": True, "setups": True}
    if blocking:
        shape = {"modes": 1, "renewables": 0, "precedences": 0}
    truth = draw(schedule_problems(**{**OPEN, **shape, "blocking": blocking, **changes}))
    expected = {
        task.id: tuple(draw(st.integers(0, 4)) for _ in task.modes)
        for task in truth.tasks
        if draw(st.booleans())
    }
    return OnlineSchedule(
        truth=truth,
        expected=expected,
        arrivals=draw(st.sampled_from(["release", "start"])),
        repairs=draw(st.sampled_from(["begin", "end"])),
    )


def run(problem: OnlineSchedule, name: str) -> tuple[ScheduledTask, ...]:
    """Run a policy; problems that cannot be run are drawn anew."""
    try:
        return execute(problem, policy(name, seed=7))
    except UnsupportedError:
        assume(False)
        raise


def values(problem: OnlineSchedule, tasks: Sequence[ScheduledTask]) -> list[int]:
    """Value of each tier after the independent check."""
    solution = ScheduleSolution(status=Status.FEASIBLE, tasks=tuple(tasks))
    found = sch.check(problem, solution)
    assert [entry for entry in found if entry.constraint not in ("objective", "status")] == []
    return objective_values(problem.truth, solution)


def shop(*jobs: Sequence[tuple[str, int]], **fields: Any) -> ScheduleProblem:
    """Return a job shop whose rows are jobs of (machine, duration)."""
    machines = sorted({machine for row in jobs for machine, _ in row})
    return ScheduleProblem.model_validate(
        {
            "resources": [{"type": "machine", "id": name} for name in machines],
            "jobs": [
                {
                    "id": f"j{number}",
                    "chain": True,
                    "tasks": [
                        {"id": f"j{number}.{k}", "modes": [{"duration": d, "machine": m}]}
                        for k, (m, d) in enumerate(row)
                    ],
                    **fields,
                }
                for number, row in enumerate(jobs)
            ],
        }
    )
