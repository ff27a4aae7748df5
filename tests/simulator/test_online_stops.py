"""Stops of machines in online schedules: work pauses, and policies learn of them in time."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

import scheduling as sch
from scheduling.errors import UnsupportedError
from scheduling.models.schedule.online import OnlineSchedule, as_online
from scheduling.models.schedule.problem import ScheduleProblem
from scheduling.simulator.schedule.execute import execute
from scheduling.simulator.schedule.policies.dispatching import Dispatching
from scheduling.simulator.schedule.policy import Option
from scheduling.simulator.schedule.registry import policy
from scheduling.simulator.schedule.view import View
from tests.brute_force import brute_force
from tests.properties import examples
from tests.simulator.online_schedules import QUICK, online_problems, run, shop, values


def stopping(truth: ScheduleProblem, **stops: list[tuple[int, int]]) -> ScheduleProblem:
    """Let machines stop; their tasks pause."""
    document = truth.model_dump(mode="json")
    document["calendars"] = [
        {"id": f"{name} stops", "breaks": [{"start": start, "end": end} for start, end in rows]}
        for name, rows in stops.items()
    ]
    for resource in document["resources"]:
        if resource["id"] in stops:
            resource["calendar"] = f"{resource['id']} stops"
    for job in document["jobs"]:
        for task in job["tasks"]:
            task["interruptible"] = any(mode["machine"] in stops for mode in task["modes"])
    return ScheduleProblem.model_validate(document)


def test_work_pauses_in_stops() -> None:
    truth = stopping(shop([("a", 4)], [("a", 2)]), a=[(2, 5), (5, 6), (9, 12)])
    tasks = execute(as_online(truth), policy("LPT"))
    assert [(entry.start, entry.end) for entry in tasks] == [(0, 8), (8, 13)]
    assert values(as_online(truth), tasks) == [13]
    rigid = truth.model_copy(update={"jobs": shop([("a", 4)], [("a", 2)]).jobs})
    with pytest.raises(UnsupportedError, match="machines with breaks for tasks that may not pause"):
        sch.simulate(rigid, "SPT")


@pytest.mark.parametrize(("repairs", "expected"), [("begin", 9), ("end", 4)])
def test_the_end_of_a_stop_is_known_as_the_document_says(repairs: str, expected: int) -> None:
    """Expected: the known end of the first stop, or one unit from now before any has ended."""
    seen = []

    class Watching(Dispatching):
        def decide(self, view: View) -> list[Option]:
            if view.now == 3:
                seen.append(view.free_from(0))
            return super().decide(view)

    truth = stopping(shop([("a", 3), ("b", 1)], [("b", 9)]), a=[(3, 9)])
    online = OnlineSchedule.model_validate({"truth": truth, "repairs": repairs})
    execute(online, Watching("FIFO"))
    assert set(seen) == {expected}


@st.composite
def stopping_problems(draw: st.DrawFn) -> OnlineSchedule:
    problem = draw(online_problems(max_tasks=2))
    machines = [resource.id for resource in problem.truth.resources if resource.type == "machine"]
    cuts = {name: sorted(draw(st.sets(st.integers(0, 9), max_size=4))) for name in machines}
    rows = {name: list(zip(c[::2], c[1::2], strict=False)) for name, c in cuts.items()}
    return problem.model_copy(update={"truth": stopping(problem.truth, **rows)})


@examples(40)
@given(problem=stopping_problems(), name=st.sampled_from([*QUICK, "resolve"]))
def test_no_policy_beats_the_offline_optimum_with_stops(problem: OnlineSchedule, name: str) -> None:
    found = values(problem, run(problem, name))
    least = brute_force(problem.truth)
    assert least is not None
    assert tuple(found) >= least


@examples(25)
@given(problem=stopping_problems(), name=st.sampled_from(["MWKR", "heft", "resolve"]))
def test_policies_see_no_stop_before_it_begins(problem: OnlineSchedule, name: str) -> None:
    """Without the stops that begin later, everything up to then is the same."""
    first = run(problem, name)
    for calendar in problem.truth.calendars:
        for rest in calendar.breaks:
            kept = tuple(
                other.model_copy(
                    update={"breaks": tuple(r for r in other.breaks if r.start < rest.start)}
                )
                for other in problem.truth.calendars
            )
            truth = problem.truth.model_copy(update={"calendars": kept})
            second = run(problem.model_copy(update={"truth": truth}), name)
            here, there = (
                {(e.task, e.mode, e.start) for e in tasks if e.start < rest.start}
                for tasks in (first, second)
            )
            assert here == there
