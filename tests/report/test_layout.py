"""What charts show, exactly, before anything is drawn."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scheduling.errors import InputError
from scheduling.models.base import Status, TierValue
from scheduling.models.schedule.builder import ScheduleModel
from scheduling.models.schedule.check import check_schedule
from scheduling.models.schedule.problem import ScheduleProblem
from scheduling.models.schedule.solution import ScheduledTask, ScheduleSolution
from scheduling.report.schedule.layout import HistoryPoint, ScheduleChart, build_chart
from scheduling.report.schedule.rows import NO_RESOURCE, Bar, JobMark, Row, TaskMark, pack_lanes
from scheduling.report.schedule.sentence import certificate_sentence, format_seconds
from scheduling.report.schedule.usage import Profile, level
from tests.properties import examples
from tests.report import instances


def schedule(**times: int | tuple[int, int]) -> ScheduleSolution:
    """Build a solution from ``task=(start, end)``, in mode 0."""
    entries = []
    for name, value in times.items():
        assert isinstance(value, tuple)
        entries.append(ScheduledTask(task=name, start=value[0], end=value[1]))
    return ScheduleSolution(status=Status.FEASIBLE, tasks=tuple(entries))


def critical_ids(chart: ScheduleChart) -> list[str]:
    return [task.id for task in chart.tasks if task.critical]


def path_ids(chart: ScheduleChart) -> list[str]:
    return [chart.tasks[task].id for task in chart.path]


@pytest.fixture
def shop() -> ScheduleProblem:
    """Two jobs on two machines; the lathe rests in [4, 6), job b is due at 8."""
    model = ScheduleModel("shop")
    night = model.add_calendar([(4, 6), (40, 50)])
    lathe = model.add_machine("lathe", calendar=night)
    mill = model.add_machine("mill")
    first = model.add_job("a", chain=True)
    model.add_task(first, duration=3, machine=lathe, name="a1")
    model.add_task(first, duration=4, machine=mill, name="a2")
    second = model.add_job("b", chain=True, due=8)
    model.add_task(second, duration=2, machine=mill, name="b1")
    model.add_task(second, duration=3, machine=lathe, name="b2")
    return model.build()


def test_a_job_shop_exactly(shop: ScheduleProblem) -> None:
    chart = build_chart(shop, schedule(a1=(0, 3), a2=(3, 7), b1=(0, 2), b2=(6, 9)))
    assert chart.title == "shop"
    assert chart.jobs == (
        JobMark("a", start=0, end=7, due=None, lateness=None),
        JobMark("b", start=0, end=9, due=8, lateness=1),
    )
    assert chart.tasks == (
        TaskMark("a1", 0, 0, 1, 0, 3, (("lathe", 1),), late_from=None, critical=True),
        TaskMark("a2", 0, 0, 1, 3, 7, (("mill", 1),), late_from=None, critical=False),
        TaskMark("b1", 1, 0, 1, 0, 2, (("mill", 1),), late_from=None, critical=True),
        TaskMark("b2", 1, 0, 1, 6, 9, (("lathe", 1),), late_from=8, critical=True),
    )
    assert chart.by_resource == (
        Row("lathe", "machine", 1, (Bar(0, 0), Bar(3, 0)), closed=((4, 6),)),
        Row("mill", "machine", 1, (Bar(2, 0), Bar(1, 0))),
    )
    assert chart.by_job == (
        Row("a", "job", 1, (Bar(0, 0), Bar(1, 0)), job=0),
        Row("b", "job", 1, (Bar(2, 0), Bar(3, 0)), job=1),
    )
    assert (chart.start, chart.end, chart.missing) == (0, 9, 0)
    assert [chart.colour(task) for task in range(4)] == [0, 0, 1, 1]
    busy = ((0, 2), (2, 1), (3, 1), (6, 2), (7, 1), (9, 0))
    assert chart.profiles == (
        Profile(
            "machines at work",
            "machines",
            usage=tuple(step for step in busy if step[0] != 3),
            capacity=((0, 2), (4, 1), (6, 2), (40, 1), (50, 2)),
            share=12 / 16,
        ),
    )


def test_the_critical_path_of_a_job_shop_passes_a_break(shop: ScheduleProblem) -> None:
    chart = build_chart(shop, schedule(a1=(0, 3), a2=(3, 7), b1=(0, 2), b2=(6, 9)))
    # b2 does not fit before the break, neither after a1 (on the lathe) nor after b1 (its job).
    assert critical_ids(chart) == ["a1", "b1", "b2"]
    assert path_ids(chart) == ["a1", "b2"]


def test_a_gap_that_nothing_explains_loosens_the_path(shop: ScheduleProblem) -> None:
    chart = build_chart(shop, schedule(a1=(0, 3), a2=(4, 8), b1=(0, 2), b2=(8, 11)))
    assert critical_ids(chart) == ["b2"]
    assert path_ids(chart) == ["b2"]


def link(kind: str, **lags: int | None) -> ScheduleProblem:
    model = ScheduleModel()
    job = model.add_job("j")
    model.add_task(job, duration=4, name="x")
    model.add_task(job, duration=3, name="y")
    model.add_precedence("x", "y", kind=kind, **lags)  # type: ignore[arg-type]
    return model.build()


@pytest.mark.parametrize(
    ("kind", "lag", "start"),
    [("end-start", 2, 6), ("start-start", 2, 2), ("end-end", 2, 3), ("start-end", 5, 2)],
)
def test_each_kind_of_precedence_can_be_critical(kind: str, lag: int, start: int) -> None:
    problem = link(kind, min_lag=lag)
    tight = build_chart(problem, schedule(x=(0, 4), y=(start, start + 3)))
    assert path_ids(tight) == ["x", "y"]
    loose = build_chart(problem, schedule(x=(0, 4), y=(start + 2, start + 5)))
    assert path_ids(loose) == ["y"]


def test_a_maximal_lag_can_be_critical() -> None:
    problem = link("start-start", min_lag=None, max_lag=3)
    # x may not start more than 3 before y, and x is the one that ends last.
    chart = build_chart(problem, schedule(x=(2, 6), y=(5, 8)))
    assert path_ids(chart) == ["y"]
    problem = link("start-start", min_lag=None, max_lag=1)
    chart = build_chart(problem, schedule(x=(4, 8), y=(5, 8)))
    assert critical_ids(chart) == ["x", "y"]


def crew(capacity: int, **demands: int) -> ScheduleProblem:
    model = ScheduleModel()
    model.add_renewable(capacity, name="crew")
    for name, amount in demands.items():
        model.add_task(
            model.add_job(f"job {name}"), duration=2, demands={"crew": amount}, name=name
        )
    return model.build()


def test_units_handed_over_are_critical_only_where_they_were_needed() -> None:
    problem = crew(3, x=2, y=1, z=2)
    chart = build_chart(problem, schedule(x=(0, 2), y=(0, 2), z=(2, 4)))
    assert critical_ids(chart) == ["x", "y", "z"]
    roomy = crew(5, x=2, y=1, z=2)
    chart = build_chart(roomy, schedule(x=(0, 2), y=(0, 2), z=(2, 4)))
    assert critical_ids(chart) == ["z"]


def test_consumables_hand_nothing_over() -> None:
    model = ScheduleModel()
    stock = model.add_consumable(5, name="stock")
    job = model.add_job("j")
    for name in ("x", "y"):
        model.add_task(job, duration=2, demands={stock: 3}, name=name)
    chart = build_chart(model.build(), schedule(x=(0, 2), y=(2, 4)))
    assert critical_ids(chart) == ["y"]
    assert chart.by_resource == (Row(NO_RESOURCE, "none", 1, (Bar(0, 0), Bar(1, 0))),)
    usage = ((0, 3), (2, 6))
    assert chart.profiles == (Profile("stock", "consumable", usage, ((0, 5),), None),)


def test_a_single_job_is_shown_task_by_task() -> None:
    problem = instances.project()
    chart = build_chart(problem, instances.greedy(problem))
    assert [row.label for row in chart.by_job] == [task.id for task in problem.tasks]
    assert {row.kind for row in chart.by_job} == {"task"}
    assert [chart.colour(task) for task in range(3)] == [0, 1, 2]
    labels = [(row.label, row.kind) for row in chart.by_resource]
    assert labels == [("crew", "renewable"), ("crane", "renewable"), (NO_RESOURCE, "none")]
    assert chart.by_resource[0].closed[:2] == ((5, 7), (12, 14))
    assert all(end <= chart.end for row in chart.by_resource for _, end in row.closed)
    assert [profile.label for profile in chart.profiles] == ["crew", "crane", "budget"]


def test_slow_times_are_shown_beside_closed_ones() -> None:
    chart = build_chart(instances.slow_shop(), schedule(x=(0, 5), y=(10, 15), z=(20, 25)))
    row = chart.by_resource[0]
    assert row.slow == ((6, 8), (16, 18))
    assert row.closed == ((8, 10), (18, 20))
    assert all(other.slow == () for other in chart.by_job)


def test_moments_stand_in_the_first_lane_and_take_no_room() -> None:
    marks = tuple(
        TaskMark(name, 0, 0, 1, start, end, (), None, critical=False)
        for name, start, end in [("long", 0, 9), ("moment", 4, 4), ("beside", 4, 6)]
    )
    assert pack_lanes(marks, [0, 1, 2]) == (2, (Bar(0, 0), Bar(1, 0), Bar(2, 1)))
    assert pack_lanes(marks, []) == (1, ())


@given(
    st.lists(
        st.tuples(st.integers(0, 30), st.integers(0, 9)).map(lambda p: (p[0], p[0] + p[1])),
        max_size=25,
    )
)
def test_lanes_never_overlap_and_are_as_few_as_can_be(spans: list[tuple[int, int]]) -> None:
    marks = tuple(
        TaskMark(str(i), 0, 0, 1, start, end, (), None, critical=False)
        for i, (start, end) in enumerate(spans)
    )
    lanes, bars = pack_lanes(marks, list(range(len(spans))))
    assert sorted(bar.task for bar in bars) == list(range(len(spans)))
    lasting = [bar for bar in bars if spans[bar.task][0] < spans[bar.task][1]]
    for before, after in pairwise(lasting):
        if before.lane == after.lane:
            assert spans[before.task][1] <= spans[after.task][0]
    together = max((sum(s <= t < e for s, e in spans) for t in range(40)), default=0)
    assert lanes == max(1, together)


@examples(40)
@given(st.integers(0, 10**6), st.integers(1, 6), st.integers(1, 5))
def test_the_path_of_a_left_shifted_job_shop_explains_the_makespan(
    seed: int, jobs: int, machines: int
) -> None:
    problem = instances.job_shop(jobs, machines, seed=seed)
    solution = instances.greedy(problem)
    assert not check_schedule(problem, solution)
    chart = build_chart(problem, solution)
    path = [chart.tasks[task] for task in chart.path]
    assert path[0].start == 0
    assert path[-1].end == chart.end
    assert all(a.end == b.start for a, b in pairwise(path))
    for before, after in pairwise(path):
        assert before.job == after.job or before.uses == after.uses
    assert all(task.critical for task in path)


@examples(40)
@given(st.integers(0, 10**6), st.integers(1, 6), st.integers(1, 5))
def test_critical_tasks_are_those_whose_delay_delays_the_end(
    seed: int, jobs: int, machines: int
) -> None:
    problem = instances.job_shop(jobs, machines, seed=seed)
    tasks = build_chart(problem, instances.greedy(problem)).tasks
    order = sorted(range(len(tasks)), key=lambda task: tasks[task].start)
    last = max(task.end for task in tasks)

    def end_when_delayed(late: int) -> int:
        end: dict[int, int] = {}
        for task in order:
            before = [
                end[other]
                for other in end
                if tasks[other].job == tasks[task].job or tasks[other].uses == tasks[task].uses
            ]
            start = max([tasks[task].start + (task == late), *before])
            end[task] = start + tasks[task].end - tasks[task].start
        return max(end.values())

    for number, task in enumerate(tasks):
        assert task.critical == (end_when_delayed(number) > last)


@pytest.mark.parametrize("make", [instances.project, instances.shop_with_breaks])
def test_profiles_agree_with_counting(make: Callable[[], ScheduleProblem]) -> None:
    problem = make()
    chart = build_chart(problem, instances.greedy(problem))
    for profile in chart.profiles:
        if profile.kind == "consumable":
            continue
        for time in range(chart.end + 1):
            used = sum(
                amount
                for task in chart.tasks
                if task.start <= time < task.end
                for name, amount in task.uses
                if profile.kind == "machines" or name == profile.label
            )
            assert level(profile.usage, time) == used
            assert used <= level(profile.capacity, time)


def test_incomplete_and_infeasible_schedules_are_shown_as_they_are(shop: ScheduleProblem) -> None:
    chart = build_chart(shop, schedule(a1=(0, 3), b2=(1, 4)))
    assert chart.missing == 2
    assert chart.by_resource[0].lanes == 2
    assert chart.by_resource[0].bars == (Bar(0, 0), Bar(1, 1))
    assert chart.jobs[0] == JobMark("a", 0, 3, None, None)


def test_nothing_placed(shop: ScheduleProblem) -> None:
    chart = build_chart(shop, ScheduleSolution(status=Status.UNKNOWN))
    assert (chart.tasks, chart.path, chart.missing, chart.limits) == ((), (), 4, (0, 1))
    assert chart.jobs[1] == JobMark("b", None, None, 8, None)


def test_faults_of_a_solution_come_all_at_once(shop: ScheduleProblem) -> None:
    entries = [
        ScheduledTask(task="nobody", start=0, end=1),
        ScheduledTask(task="a1", start=0, end=3),
        ScheduledTask(task="a1", start=5, end=8),
        ScheduledTask(task="a2", mode=1, start=0, end=3),
        ScheduledTask(task="b1", start=5, end=3),
    ]
    with pytest.raises(InputError) as caught:
        build_chart(shop, ScheduleSolution(status=Status.FEASIBLE, tasks=tuple(entries)))
    places = [fault.place for fault in caught.value.faults]
    assert places == ["tasks[0].task", "tasks[2].task", "tasks[3].mode", "tasks[4].end"]


def test_limits_include_due_dates_that_are_not_far_away(shop: ScheduleProblem) -> None:
    early = schedule(a1=(0, 3), a2=(3, 7), b1=(0, 2), b2=(2, 5))
    assert build_chart(shop, early).limits == (0, 7)
    later = schedule(a1=(0, 3), a2=(15, 19), b1=(0, 2), b2=(2, 5))
    assert build_chart(shop, later).limits == (0, 19)
    model = ScheduleModel()
    model.add_task(model.add_job("j", due=22), duration=20, name="x")
    assert build_chart(model.build(), schedule(x=(0, 20))).limits == (0, 22)


def test_history_is_kept(shop: ScheduleProblem) -> None:
    points = ((0.5, 12, None), (1.0, 11, 7.5))
    solution = schedule(a1=(0, 3)).model_copy(update={"history": points, "seconds": 2.0})
    chart = build_chart(shop, solution)
    assert chart.history == (HistoryPoint(0.5, 12, None), HistoryPoint(1.0, 11, 7.5))
    assert chart.seconds == 2.0


def test_unknown_stays_unknown(shop: ScheduleProblem) -> None:
    inf = float("inf")
    fields = {"history": ((0.5, inf, float("nan")), (inf, 3, 2)), "seconds": inf}
    solution = schedule(a1=(0, 3)).model_copy(update=fields)
    chart = build_chart(shop, solution)
    assert chart.history == (HistoryPoint(0.5, None, None),)
    assert chart.seconds == 0.0


def answer(status: Status, **fields: object) -> ScheduleSolution:
    return ScheduleSolution.model_validate({"kind": "schedule", "status": status, **fields})


def test_sentences(shop: ScheduleProblem) -> None:
    tier = TierValue(name="makespan", objective=1250, bound=1000, gap=0.2)
    closed = TierValue(name="late_jobs", objective=3, bound=3, gap=0.0)
    open_gap = (
        "Valid, not proven optimal: late jobs 3, then makespan 1,250"
        " (at least 1,000, gap 20 %), found by tabu in 61 s."
    )
    nothing = (
        "No schedule was found by auto in 10 s, and none was excluded; makespan is at least 41."
    )
    cases = [
        (
            answer(Status.OPTIMAL, tiers=(closed,), solver="cp-sat", seconds=0.1234),
            "Proven optimal: late jobs 3, found by cp-sat in 0.123 s.",
        ),
        (
            answer(Status.FEASIBLE, tiers=(closed, tier), solver="tabu", seconds=61.4),
            open_gap,
        ),
        (
            answer(Status.FEASIBLE, objective=9),
            "Valid, not proven optimal: makespan 9 (no bound known), found in under 1 ms.",
        ),
        (
            answer(Status.INFEASIBLE, solver="cp-sat", seconds=2.0),
            "No schedule exists: proven by cp-sat in 2 s.",
        ),
        (
            answer(Status.UNKNOWN, solver="auto", seconds=10.0, bound=41),
            nothing,
        ),
    ]
    for solution, text in cases:
        assert certificate_sentence(shop, solution) == text
    assert format_seconds(59.96) == "60 s"
