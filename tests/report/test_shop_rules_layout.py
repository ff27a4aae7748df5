"""Setups, machines kept by blocking jobs, reservoirs and transfers in charts, exactly."""

from __future__ import annotations

import json
import re
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from scheduling.models.base import Status
from scheduling.models.schedule.builder import ScheduleModel
from scheduling.models.schedule.problem import ScheduleProblem
from scheduling.models.schedule.solution import ScheduledTask, ScheduleSolution
from scheduling.report.gantt import write_gantt
from scheduling.report.schedule.figures import plot_gantt, plot_profile
from scheduling.report.schedule.layout import ScheduleChart, build_chart
from scheduling.report.schedule.rows import Bar, Span
from scheduling.report.schedule.usage import Profile

SVG = "{http://www.w3.org/2000/svg}"


def schedule(
    problem: ScheduleProblem, *starts: int, modes: tuple[int, ...] = ()
) -> ScheduleSolution:
    chosen = modes or (0,) * len(starts)
    rows = zip(problem.tasks, starts, chosen, strict=True)
    tasks = tuple(
        ScheduledTask(task=task.id, mode=m, start=s, end=s + task.modes[m].duration)
        for task, s, m in rows
    )
    return ScheduleSolution(status=Status.FEASIBLE, tasks=tasks)


def critical(chart: ScheduleChart) -> list[str]:
    return [task.id for task in chart.tasks if task.critical]


def swap() -> ScheduleProblem:
    """Two blocking jobs that visit two machines in opposite order."""
    model = ScheduleModel("swap")
    one, two = model.add_machine("one"), model.add_machine("two")
    for name, path, first in (("a", (one, two), 2), ("b", (two, one), 5)):
        job = model.add_job(name, chain=True, blocking=True)
        for number, machine in enumerate(path):
            model.add_task(
                job, duration=1 if number else first, machine=machine, name=f"{name}{number}"
            )
    return model.build()


def colours() -> ScheduleProblem:
    model = ScheduleModel("colours")
    setups = {("red", "blue"): 4, ("blue", "red"): 1, (None, "blue"): 2}
    machine = model.add_machine("press", setups=setups)
    for name, state in (("p", "red"), ("q", "blue"), ("r", "blue")):
        model.add_task(model.add_job(), duration=3, machine=machine, state=state, name=name)
    return model.build()


def tank() -> ScheduleProblem:
    model = ScheduleModel("tank")
    store = model.add_reservoir(1, maximum=3, name="store")
    endless = model.add_reservoir(0, name="endless")
    job = model.add_job()
    model.add_task(job, duration=2, supplies={store: 2, endless: 5}, name="fill")
    model.add_task(job, duration=3, demands={store: 2}, name="use")
    model.add_task(job, duration=1, name="other")
    return model.build()


def test_a_blocking_job_keeps_its_machine() -> None:
    problem = swap()
    chart = build_chart(problem, schedule(problem, 0, 5, 0, 5))
    assert [task.held for task in chart.tasks] == [5, None, None, None]
    one, two = chart.by_resource
    assert one.bars == (Bar(0, 0), Bar(3, 0))
    assert one.holds == (Span(0, 0, 2, 5),)
    assert two.holds == ()
    assert (one.lanes, two.lanes) == (1, 1)
    assert all(row.holds == () for row in chart.by_job)
    assert critical(chart) == ["a1", "b0", "b1"]


def test_a_kept_machine_that_another_task_takes_gets_a_second_lane() -> None:
    problem = swap()
    chart = build_chart(problem, schedule(problem, 0, 9, 0, 5))
    assert chart.by_resource[0].lanes == 2


def test_pools_have_a_lane_for_each_machine_and_groups_a_row() -> None:
    model = ScheduleModel("ovens")
    pool = model.add_pool(2, name="ovens")
    names = [
        model.add_task(model.add_job(), duration=time, machine=pool, name=name)
        for name, time in (("a", 4), ("b", 2), ("c", 3))
    ]
    model.keep_apart(names[:2])
    problem = model.build()
    chart = build_chart(problem, schedule(problem, 0, 4, 0))
    pool_row, group_row = chart.by_resource
    assert (pool_row.label, pool_row.kind, pool_row.lanes) == ("ovens", "pool", 2)
    assert {(bar.task, bar.lane) for bar in pool_row.bars} == {(0, 1), (1, 0), (2, 0)}
    assert (group_row.label, group_row.kind, group_row.lanes) == ("disjunction 1", "disjunction", 1)
    assert [bar.task for bar in group_row.bars] == [0, 1]
    assert [profile.label for profile in chart.profiles] == ["ovens"]
    assert critical(chart) == ["a", "b"]


def test_tasks_of_a_batch_have_lanes_of_their_own() -> None:
    model = ScheduleModel("kiln")
    kiln = model.add_machine("kiln", batch=4)
    for name, size in (("a", 1), ("b", 3), ("c", 2)):
        model.add_task(model.add_job(), duration=2, machine=kiln, size=size, name=name)
    problem = model.build()
    chart = build_chart(problem, schedule(problem, 0, 0, 2))
    (row,) = chart.by_resource
    assert (row.label, row.kind, row.lanes) == ("kiln", "machine", 2)
    assert [(bar.task, bar.lane) for bar in row.bars] == [(0, 0), (2, 0), (1, 1)]
    assert chart.tasks[1].uses == (("kiln", 3),)
    assert critical(chart) == ["a", "b", "c"]


def test_setups_stand_before_the_task_they_are_for() -> None:
    problem = colours()
    chart = build_chart(problem, schedule(problem, 0, 8, 11))
    (press,) = chart.by_resource
    assert press.setups == (Span(1, 0, 4, 8),)
    assert [task.setup for task in chart.tasks] == [0, 4, 0]
    # one unit of time lies between p and the setup for q, so only q and r are tight
    assert critical(chart) == ["q", "r"]
    tight = build_chart(problem, schedule(problem, 0, 7, 10))
    assert critical(tight) == ["p", "q", "r"]


def test_first_setups_and_setups_without_room() -> None:
    problem = colours()
    first = build_chart(problem, schedule(problem, 9, 2, 5))
    assert first.by_resource[0].setups == (Span(1, 0, 0, 2), Span(0, 0, 8, 9))
    squeezed = build_chart(problem, schedule(problem, 0, 5, 8))
    assert squeezed.by_resource[0].setups == (Span(1, 0, 3, 5),)


def test_levels_of_reservoirs() -> None:
    problem = tank()
    chart = build_chart(problem, schedule(problem, 0, 2, 0))
    assert chart.profiles == (
        Profile("store", "reservoir", usage=((0, 1),), capacity=((0, 3),), share=None),
        Profile("endless", "reservoir", usage=((2, 5),), capacity=(), share=None),
    )
    assert [row.label for row in chart.by_resource] == ["no resource"]
    assert critical(chart) == ["fill", "use"]
    later = build_chart(problem, schedule(problem, 0, 4, 0))
    assert later.profiles[0].usage == ((0, 1), (2, 3), (4, 1))
    assert critical(later) == ["use"]
    empty = build_chart(problem, schedule(problem, 1, 0, 0))
    assert empty.profiles[0].usage == ((0, -1), (3, 1))


def test_transfers_and_transports_are_on_the_critical_path() -> None:
    model = ScheduleModel()
    one, two = model.add_machine(), model.add_machine()
    first = model.add_task(model.add_job(), name="first")
    second = model.add_task(model.add_job(), name="second")
    for task in (first, second):
        for machine in (one, two):
            model.add_mode(task, duration=2, machine=machine)
    model.add_precedence(first, second, transfer=3)
    problem = model.build()
    assert critical(build_chart(problem, schedule(problem, 0, 5, modes=(0, 1)))) == [
        "first",
        "second",
    ]
    assert critical(build_chart(problem, schedule(problem, 0, 6, modes=(0, 1)))) == ["second"]
    assert critical(build_chart(problem, schedule(problem, 0, 2, modes=(0, 0)))) == [
        "first",
        "second",
    ]

    moved = ScheduleModel()
    here, there = moved.add_machine("here"), moved.add_machine("there")
    job = moved.add_job(chain=True)
    for machine in (here, there):
        moved.add_task(job, duration=1, machine=machine)
    moved.add_transport(here, there, 4)
    problem = moved.build()
    assert len(critical(build_chart(problem, schedule(problem, 0, 5)))) == 2
    assert len(critical(build_chart(problem, schedule(problem, 0, 6)))) == 1


CASES = {"swap": (swap, (0, 5, 0, 5)), "colours": (colours, (0, 7, 10)), "tank": (tank, (0, 4, 0))}


@pytest.mark.parametrize("name", CASES)
def test_pictures_and_pages(name: str, tmp_path: Path) -> None:
    make, starts = CASES[name]
    problem = make()
    solution = schedule(problem, *starts)
    for suffix in ("svg", "png", "html"):
        write_gantt(problem, solution, tmp_path / f"chart.{suffix}")
    root = ET.parse(tmp_path / "chart.svg").getroot()
    texts = {"".join(node.itertext()) for node in root.iter(f"{SVG}text")}
    wanted = {"swap": {"machine kept"}, "colours": {"setup"}, "tank": {"store, level"}}
    assert wanted[name] <= texts
    html = (tmp_path / "chart.html").read_text()
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', html, re.DOTALL)
    assert found is not None
    data = json.loads(found.group(1))
    expected = {
        "swap": ([[0, 5]], [], [[0, 0, 2, 5], []], [[], []]),
        "colours": ([], [[1, 4]], [[]], [[1, 0, 3, 7]]),
        "tank": ([], [], [[]], [[]]),
    }[name]
    tasks, view = data["tasks"], data["byResource"]
    assert (tasks["held"], tasks["setup"], view["holds"], view["setups"]) == expected


def test_spans_are_drawn_where_they_are() -> None:
    from matplotlib import pyplot as plt

    for make, starts, corner in ((swap, (0, 5, 0, 5), (2, 5)), (colours, (0, 7, 10), (3, 7))):
        problem = make()
        ax = plot_gantt(problem, schedule(problem, *starts))
        boxes = [path.get_extents() for shape in ax.collections for path in shape.get_paths()]
        assert corner in {(round(box.x0), round(box.x1)) for box in boxes}
        plt.close("all")


def test_a_reservoir_without_maximum_has_one_line_less() -> None:
    from matplotlib import pyplot as plt

    problem = tank()
    solution = schedule(problem, 0, 4, 0)
    assert len(plot_profile(problem, solution, "store").lines) == 1
    plt.close("all")
    assert len(plot_profile(problem, solution, "endless").lines) == 0
    plt.close("all")
