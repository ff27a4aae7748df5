"""Setups, reservoirs, no-wait, blocking, transfers, transports, common modes and orders."""

from __future__ import annotations

import pytest

import scheduling as sch
from scheduling.models.base import Status, TierValue
from scheduling.models.schedule.problem import ScheduleProblem
from scheduling.models.schedule.solution import ScheduledTask, ScheduleSolution


def broken(problem: ScheduleProblem, *starts: int, modes: tuple[int, ...] = ()) -> set[str]:
    """Names of the rules that the schedule with these starts breaks."""
    chosen = modes or (0,) * len(starts)
    tasks = tuple(
        ScheduledTask(task=task.id, mode=mode, start=start, end=start + task.modes[mode].duration)
        for task, start, mode in zip(problem.tasks, starts, chosen, strict=True)
    )
    end = max(task.end for task in tasks)
    solution = ScheduleSolution(
        status=Status.FEASIBLE,
        objective=end,
        tiers=(TierValue(name="makespan", objective=end),),
        tasks=tasks,
    )
    return {violation.constraint for violation in sch.check(problem, solution)}


def test_setups_between_neighbours_and_before_the_first() -> None:
    model = sch.ScheduleModel()
    machine = model.add_machine(setups={("red", "blue"): 2, (None, "red"): 1})
    for colour in ("red", "blue", "red"):
        model.add_task(model.add_job(), duration=3, machine=machine, state=colour)
    problem = model.build()
    assert broken(problem, 1, 6, 9) == set()
    assert broken(problem, 0, 6, 9) == {"setup"}
    assert broken(problem, 1, 5, 8) == {"setup"}
    assert broken(problem, 3, 8, 0) == {"setup"}


def test_reservoirs_stay_within_their_levels() -> None:
    model = sch.ScheduleModel()
    tank = model.add_reservoir(1, maximum=3)
    model.add_task(model.add_job(), duration=2, supplies={tank: 2})
    model.add_task(model.add_job(), duration=1, demands={tank: 2})
    problem = model.build()
    assert broken(problem, 0, 2) == set()
    assert broken(problem, 0, 1) == {"reservoir"}
    full = model.add_task(model.add_job(), duration=1, supplies={tank: 1})
    assert full
    assert broken(model.build(), 0, 3, 0) == {"reservoir"}


def test_no_wait() -> None:
    model = sch.ScheduleModel()
    job = model.add_job(chain=True, no_wait=True)
    model.add_task(job, duration=2)
    model.add_task(job, duration=2)
    assert broken(model.build(), 1, 3) == set()
    assert broken(model.build(), 1, 4) == {"no-wait"}


def test_blocking_holds_the_machine_and_allows_swaps() -> None:
    model = sch.ScheduleModel()
    one, two = model.add_machine(), model.add_machine()
    for path in ((one, two), (two, one)):
        job = model.add_job(chain=True, blocking=True)
        for machine in path:
            model.add_task(job, duration=2, machine=machine)
    problem = model.build()
    assert broken(problem, 0, 2, 0, 2) == set()
    assert broken(problem, 0, 3, 0, 2) == {"machine"}
    assert broken(problem, 0, 4, 0, 4) == set()


def test_transfers_only_between_machines() -> None:
    model = sch.ScheduleModel()
    machines = [model.add_machine(), model.add_machine()]
    tasks = []
    for _ in range(2):
        task = model.add_task(model.add_job())
        for machine in machines:
            model.add_mode(task, duration=2, machine=machine)
        tasks.append(task)
    model.add_precedence(*tasks, transfer=3)
    problem = model.build()
    assert broken(problem, 0, 2, modes=(0, 0)) == set()
    assert broken(problem, 0, 4, modes=(0, 1)) == {"precedence"}
    assert broken(problem, 0, 5, modes=(0, 1)) == set()


def test_transports_between_chained_tasks() -> None:
    model = sch.ScheduleModel()
    one, two = model.add_machine("a"), model.add_machine("b")
    job = model.add_job(chain=True)
    model.add_task(job, duration=1, machine=one)
    model.add_task(job, duration=1, machine=two)
    model.add_transport(one, two, 4)
    assert broken(model.build(), 0, 5) == set()
    assert broken(model.build(), 0, 4) == {"transport"}


def test_common_modes() -> None:
    model = sch.ScheduleModel()
    job = model.add_job(same_mode=True)
    for _ in range(2):
        task = model.add_task(job)
        model.add_mode(task, duration=1)
        model.add_mode(task, duration=2)
    assert broken(model.build(), 0, 0, modes=(1, 1)) == set()
    assert broken(model.build(), 0, 0, modes=(0, 1)) == {"same mode"}


def test_common_orders() -> None:
    model = sch.ScheduleModel()
    machines = [model.add_machine(), model.add_machine()]
    for _ in range(2):
        job = model.add_job(chain=True)
        for machine in machines:
            model.add_task(job, duration=2, machine=machine)
    model.keep_order(machines)
    problem = model.build()
    assert broken(problem, 0, 2, 2, 4) == set()
    assert broken(problem, 0, 6, 2, 4) == {"same order"}


def test_groups_of_tasks_are_kept_apart() -> None:
    model = sch.ScheduleModel()
    tasks = [model.add_task(model.add_job(), duration=time) for time in (2, 3, 0)]
    model.keep_apart(tasks)
    problem = model.build()
    assert broken(problem, 0, 2, 1) == set()
    assert broken(problem, 0, 1, 0) == {"disjunction"}


def test_batches_start_together_in_one_state_and_for_the_same_time() -> None:
    model = sch.ScheduleModel()
    oven = model.add_machine(batch=3)
    for time, state, size in ((2, "hot", 2), (2, "hot", 1), (2, "cold", 1), (3, "hot", 1)):
        task = model.add_task(model.add_job())
        model.add_mode(task, duration=time, machine=oven, state=state, size=size)
    problem = model.build()
    assert broken(problem, 0, 0, 2, 4) == set()
    assert broken(problem, 0, 1, 3, 5) == {"batch"}
    assert broken(problem, 0, 2, 0, 4) == {"batch"}
    assert broken(problem, 2, 0, 4, 0) == {"batch"}
    larger = model.add_task(model.add_job(), duration=2, machine=oven, state="hot", size=2)
    assert larger
    assert broken(model.build(), 0, 8, 2, 4, 0) == {"batch"}


def test_machines_without_idle_times_pause_for_setups_only() -> None:
    model = sch.ScheduleModel()
    machine = model.add_machine(no_idle=True, setups={("red", "blue"): 2})
    for state, time in (("red", 3), ("blue", 3), ("blue", 0)):
        model.add_task(model.add_job(), duration=time, machine=machine, state=state)
    problem = model.build()
    assert broken(problem, 1, 6, 20) == set()
    assert broken(problem, 1, 7, 20) == {"no idle"}
    assert broken(problem, 3, 0, 20) == set()
    assert broken(problem, 4, 0, 20) == {"no idle"}


def test_swaps_are_caught_and_chains_of_moves_are_not() -> None:
    model = sch.ScheduleModel()
    machines = [model.add_machine() for _ in range(3)]
    for path in ((0, 1), (1, 0), (1, 2)):
        job = model.add_job(chain=True, blocking=True)
        for number in path:
            model.add_task(job, duration=2, machine=machines[number])
    model.forbid_swaps()
    problem = model.build()
    assert broken(problem, 0, 2, 0, 2, 4, 6) == {"swap"}
    assert broken(problem, 0, 2, 4, 6, 0, 2) == set()
    assert broken(problem, 0, 2, 4, 6, 8, 10) == set()


def test_pools_hold_as_many_tasks_as_they_have_machines() -> None:
    model = sch.ScheduleModel()
    pool = model.add_pool(2, calendar=model.add_calendar([(9, 10)]))
    for _ in range(3):
        model.add_task(model.add_job(), duration=2, machine=pool)
    problem = model.build()
    assert broken(problem, 0, 0, 2) == set()
    assert broken(problem, 0, 0, 1) == {"pool"}
    assert broken(problem, 0, 0, 8) == {"break"}


def test_groups_and_pools_name_their_faults() -> None:
    model = sch.ScheduleModel()
    pool, machine = model.add_pool(2), model.add_machine()
    job = model.add_job(chain=True, blocking=True)
    one = model.add_task(job, duration=1, machine=pool)
    other = model.add_task(job, duration=1, machine=machine, demands={pool: 1})
    model.add_precedence(one, other, transfer=2)
    model.keep_apart([one, one, "nobody"])
    model.keep_apart([one])
    model.keep_order([pool, machine])
    model.add_transport(pool, machine, 3)
    with pytest.raises(sch.InputError) as caught:
        model.build()
    assert {fault.place for fault in caught.value.faults} == {
        "jobs[0].tasks[1].modes[0].demands",
        "jobs[0].blocking",
        "precedences[0].transfer",
        "disjunctions[0]",
        "disjunctions[1]",
        "same_order[0]",
        "transports[0].origin",
    }


@pytest.mark.parametrize(
    ("changes", "place"),
    [
        ({"no_wait": True}, "jobs[0].no_wait"),
        ({"blocking": True}, "jobs[0].blocking"),
        ({"blocking": True, "chain": True}, "jobs[0].blocking"),
    ],
)
def test_rules_of_chains_need_chains(changes: dict[str, bool], place: str) -> None:
    job = {"id": "J", "tasks": [{"id": "t", "modes": [{"duration": 1}]}], **changes}
    with pytest.raises(sch.InputError) as caught:
        ScheduleProblem.model_validate({"jobs": [job]})
    assert {fault.place for fault in caught.value.faults} == {place}
