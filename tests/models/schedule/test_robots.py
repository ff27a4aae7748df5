"""Problems with explicit moves of robots."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

import scheduling as sch
from scheduling.errors import InputError, UnsupportedError
from scheduling.models.base import Status
from scheduling.models.schedule.problem import Machine, ScheduleProblem
from scheduling.models.schedule.robots import with_robots
from tests.brute_force import TooLargeError, brute_force
from tests.properties import examples
from tests.solving import solve

PLACES = ("in", "a", "b", "out")
TRAVEL = {
    (one, other): abs(i - j) for i, one in enumerate(PLACES) for j, other in enumerate(PLACES)
}


def line(*times: tuple[int, int], swap: bool = False) -> ScheduleProblem:
    """Blocking jobs on the machines a and b."""
    model = sch.ScheduleModel("line")
    machines = [model.add_machine("a"), model.add_machine("b")]
    for row in times:
        job = model.add_job(chain=True, blocking=True)
        for machine, time in zip(machines, row, strict=True):
            model.add_task(job, duration=time, machine=machine)
    if not swap:
        model.forbid_swaps()
    return model.build()


def test_moves_stand_between_tasks_and_at_both_ends() -> None:
    cell = with_robots(line((5, 6)), ["r"], TRAVEL, load=1, unload=2, source="in", sink="out")
    (job,) = cell.jobs
    assert [task.id for task in job.tasks] == [
        "> job 1.1",
        "job 1.1",
        "job 1.1 > job 1.2",
        "job 1.2",
        "job 1.2 >",
    ]
    assert [task.modes[0].duration for task in job.tasks] == [4, 5, 4, 6, 4]
    assert solve(cell, "cp-sat", work_limit=5.0).objective == 4 + 5 + 4 + 6 + 4


def test_robots_pay_for_empty_travel() -> None:
    cell = with_robots(line((1, 1), (1, 1)), ["r"], TRAVEL, source="in", sink="out", home="out")
    robot = cell.resources[-1]
    assert isinstance(robot, Machine)
    times = {(entry.before, entry.after): entry.time for entry in robot.setups}
    assert times[None, "in > a"] == 3
    assert times["a > b", "in > a"] == 2
    assert times["b > out", "in > a"] == 3
    assert ("in > a", "a > b") not in times
    # One job after the other: in-a-b-out and back, with the second ready before the robot is.
    solution = solve(cell, "cp-sat", work_limit=20.0)
    assert solution.status is Status.OPTIMAL
    assert sch.check(cell, solution) == []


def test_two_robots_can_bring_and_take_at_the_same_moment() -> None:
    shop = line((1, 9), (1, 9))
    alone = with_robots(shop, ["r"], TRAVEL, load=1, source="in", sink="out")
    together = with_robots(shop, ["r", "s"], TRAVEL, load=1, source="in", sink="out")
    values = [solve(cell, "cp-sat", work_limit=20.0) for cell in (alone, together)]
    assert [value.status for value in values] == [Status.OPTIMAL] * 2
    assert values[1].objective < values[0].objective
    assert all(len(task.modes) == 2 for task in together.tasks if ">" in task.id)


def test_moves_between_the_same_machine_vanish() -> None:
    model = sch.ScheduleModel()
    machine = model.add_machine("a")
    job = model.add_job(chain=True)
    for _ in range(2):
        model.add_task(job, duration=1, machine=machine)
    model.add_task(model.add_job(), duration=1)
    cell = with_robots(model.build(), ["r"], {})
    assert [task.id for task in cell.tasks] == [task.id for task in model.build().tasks]


def test_moves_follow_a_choice_of_machines_by_mode_rules() -> None:
    model = sch.ScheduleModel()
    machines = [model.add_machine(name) for name in ("a", "b", "c")]
    job = model.add_job(chain=True)
    first = model.add_task(job, duration=1, machine=machines[0])
    second = model.add_task(job, duration=2, machine=machines[1])
    model.add_mode(second, duration=1, machine=machines[2])
    travel = {(one, other): 3 for one in machines for other in machines}
    cell = with_robots(model.build(), ["r", "s"], travel)
    move = f"{first} > {second}"
    assert all((rule.task, rule.other) == (move, second) for rule in cell.mode_rules)
    assert [(rule.mode, rule.modes) for rule in cell.mode_rules] == [
        (0, (0,)),
        (1, (0,)),
        (2, (1,)),
        (3, (1,)),
    ]


def test_a_choice_of_machines_and_its_moves_are_chosen_together() -> None:
    model = sch.ScheduleModel()
    for name in ("a", "b", "c"):
        model.add_machine(name)
    for near in ("b", "c"):
        job = model.add_job(chain=True, blocking=True)
        model.add_task(job, duration=2, machine="a")
        task = model.add_task(job)
        for machine in ("b", "c"):
            model.add_mode(task, duration=1 if machine == near else 9, machine=machine)
    model.forbid_swaps()
    travel = {("a", "b"): 1, ("a", "c"): 4, ("b", "a"): 1, ("c", "a"): 4}
    cell = with_robots(model.build(), ["r", "s"], travel)
    solution = solve(cell, "cp-sat", work_limit=20.0)
    assert solution.status is Status.OPTIMAL
    assert sch.check(cell, solution) == []
    # The long way first: 2 on a, 4 to c, 1 there; meanwhile 2 on a, 1 to b, 1 there.
    assert solution.objective == 7


def test_missing_travel_is_named() -> None:
    with pytest.raises(InputError, match="no time from 'a' to 'b'"):
        with_robots(line((1, 1)), ["r"], {})
    with pytest.raises(InputError, match="at least one robot"):
        with_robots(line((1, 1)), [], TRAVEL)


def refused() -> dict[str, ScheduleProblem]:
    found = {}
    for name in ("transports", "optional", "common mode", "machine of its own", "may choose"):
        model = sch.ScheduleModel()
        one, other = model.add_machine("a"), model.add_machine("b")
        job = model.add_job(chain=True, same_mode=name == "common mode")
        first = model.add_task(job, duration=1, machine=one)
        if name == "optional":
            model.add_task(job, duration=1, machine=other, optional=True)
        else:
            model.add_task(job, duration=1, machine=None if "own" in name else other)
        if name == "may choose":
            model.add_mode(first, duration=1, machine=other)
        if name == "transports":
            model.add_transport(one, other, 3)
        found[name] = model.build()
    return found


@pytest.mark.parametrize("name", sorted(refused()))
def test_what_moves_mean_nothing_for_is_refused(name: str) -> None:
    with pytest.raises(UnsupportedError, match=name):
        with_robots(refused()[name], ["r"], TRAVEL)


@given(
    st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=1, max_size=2),
    st.integers(0, 1),
    st.integers(1, 2),
    st.booleans(),
)
@examples(15)
def test_stated_exchanges_change_nothing(
    times: list[tuple[int, int]], load: int, robots: int, ends: bool
) -> None:
    """The setups that a single robot implies for machines leave the optimum as it is."""
    names = ["r", "s"][:robots]
    source = "in" if ends else None
    cell = with_robots(line(*times), names, TRAVEL, load=load, source=source)
    plain = [
        entry.model_copy(update={"setups": ()}) if entry.id in ("a", "b") else entry
        for entry in cell.resources
    ]
    without = ScheduleProblem.model_validate({**cell.model_dump(), "resources": plain})
    stated = solve(cell, "cp-sat", work_limit=10.0, workers=1)
    free = solve(without, "cp-sat", work_limit=10.0, workers=1)
    assert stated.status is free.status is Status.OPTIMAL
    assert stated.objective == free.objective
    with suppress(TooLargeError):
        assert brute_force(without, 30_000) == (free.objective,)
