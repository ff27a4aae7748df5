from __future__ import annotations

from itertools import product
from pathlib import Path

import networkx as nx
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scheduling.errors import InputError
from scheduling.instances.files import read
from scheduling.instances.generators import GENERATORS, generate
from scheduling.instances.schedule.random_shops import training_shops
from scheduling.instances.schedule.taillard import (
    taillard_job_shop,
    taillard_names,
    taillard_seeds,
)
from scheduling.models.base import Status, TierValue
from scheduling.models.schedule.check import check_schedule
from scheduling.models.schedule.problem import Machine, Renewable, ScheduleProblem
from scheduling.models.schedule.solution import ScheduledTask, ScheduleSolution
from tests.properties import examples

# Largest load of a machine or length of a job, published with the instances: 8 sizes of 10 each.
LOADS = """
977 942 921 911 940 889 935 963 982 911 1139 1251 1178 1130 1148 1181 1257 1153 1202 1186
1217 1240 1185 1271 1256 1207 1331 1269 1267 1212 1764 1774 1729 1828 1729 1777 1771 1673 1641 1602
1830 1761 1694 1787 1731 1856 1690 1744 1758 1674 2760 2756 2717 2797 2679 2781 2943 2885 2655 2723
2868 2848 2755 2691 2725 2845 2812 2764 3063 2995 5464 5181 5552 5339 5392 5342 5436 5394 5358 5183
"""


SCHEDULES = [name for name, entry in GENERATORS.items() if entry.family == "schedule"]


def make(name: str, **values: float) -> ScheduleProblem:
    problem = generate(name, values)
    assert isinstance(problem, ScheduleProblem)
    return problem


def test_taillard_instances_have_the_published_loads() -> None:
    for number, published in enumerate(map(int, LOADS.split()), start=1):
        problem = taillard_job_shop(*taillard_seeds(number))
        loads: dict[str, int] = {}
        lengths = []
        for job in problem.jobs:
            lengths.append(sum(task.modes[0].duration for task in job.tasks))
            for task in job.tasks:
                machine = task.modes[0].machine or ""
                loads[machine] = loads.get(machine, 0) + task.modes[0].duration
        assert max(*loads.values(), *lengths) == published, number


def test_the_first_rows_of_taillards_paper() -> None:
    job = taillard_job_shop(4, 4, 1166510396, 164000672).jobs[0]
    assert [task.modes[0].duration for task in job.tasks] == [54, 34, 61, 2]
    assert [task.modes[0].machine for task in job.tasks] == ["M3", "M1", "M4", "M2"]


def test_the_default_of_the_generator_is_ta01() -> None:
    assert make("taillard").jobs == taillard_job_shop(*taillard_seeds(1)).jobs
    for number in (0, 81):
        with pytest.raises(InputError, match="from 1 to 80"):
            taillard_seeds(number)


@pytest.mark.shared
def test_taillard_instances_equal_the_published_files(shared_data: Path) -> None:
    found = 0
    for number, name in enumerate(taillard_names(), start=1):
        path = shared_data / "jsp" / f"{name}.txt"
        if path.exists():
            found += 1
            assert read(path) == taillard_job_shop(*taillard_seeds(number), name)
    assert found >= 40


def test_layers_cut_in_parts_need_no_chance() -> None:
    one, again = (make("expert-parts", parts=3) for _ in range(2))
    assert one == again
    assert [task.modes[0].machine for task in one.jobs[2].tasks] == [
        *("inter", "intra", "gpu", "intra", "inter")
    ]
    whole, third = (make("expert-parts", parts=parts).jobs[0].tasks[2] for parts in (1, 3))
    start = 20_000
    assert (whole.modes[0].duration - start) == 3 * (third.modes[0].duration - start) + 1


@pytest.mark.parametrize("name", [name for name in SCHEDULES if name != "expert-parts"])
def test_a_seed_gives_one_instance(name: str) -> None:
    seed = "time_seed" if name == "taillard" else "seed"
    one, again, other = (make(name, **{seed: value}) for value in (5, 5, 6))
    assert one == again
    assert one.jobs != other.jobs
    assert one.name


@pytest.mark.parametrize("name", SCHEDULES)
def test_smallest_and_largest_shares(name: str) -> None:
    generator = GENERATORS[name]
    assert generator.summary
    for pick in ("low", "high"):
        values = {}
        for parameter in generator.parameters:
            assert parameter.summary
            if isinstance(parameter.default, float) and parameter.high == 1.0:
                values[parameter.name] = getattr(parameter, pick)
            elif pick == "low":
                values[parameter.name] = (
                    max(parameter.low, 1) if "est" in parameter.name else (parameter.low)
                )
        make(name, **values)


@examples(30)
@given(st.integers(0, 1000), st.integers(1, 8), st.integers(1, 6))
def test_random_shops(seed: int, jobs: int, machines: int) -> None:
    size = {"jobs": jobs, "machines": machines, "seed": seed}
    every = [f"M{number}" for number in range(1, machines + 1)]
    for job in make("job-shop", **size, shortest=3, longest=7).jobs:
        assert sorted(task.modes[0].machine or "" for task in job.tasks) == every
        assert all(3 <= task.modes[0].duration <= 7 for task in job.tasks)
    for job in make("flow-shop", **size).jobs:
        assert [task.modes[0].machine for task in job.tasks] == every
    for task in make("flexible-job-shop", **size, operations=3, shortest=10, longest=20).tasks:
        used = [mode.machine for mode in task.modes]
        assert 1 <= len(used) == len(set(used)) <= min(machines, 3)
        assert all(8 <= mode.duration <= 24 for mode in task.modes)


@pytest.mark.parametrize("kind", ["job-shop", "flexible-job-shop"])
def test_shifts_close_all_machines_and_change_nothing_else(kind: str) -> None:
    plain = make(kind, jobs=3, machines=2, seed=4)
    shifted = make(kind, jobs=3, machines=2, seed=4, shift=1 / 3, period=24)
    assert plain.calendars == ()
    (calendar,) = shifted.calendars
    assert (calendar.period, calendar.periodic[0].start, calendar.periodic[0].end) == (24, 8, 24)
    assert {row["calendar"] for row in shifted.model_dump()["resources"]} == {calendar.id}
    pairs = zip(plain.tasks, shifted.tasks, strict=True)
    assert all(one.modes == other.modes and other.interruptible for one, other in pairs)


def test_machine_orders_and_durations_are_spread() -> None:
    problem = make("job-shop", jobs=400, machines=5)
    first = [job.tasks[0].modes[0].machine for job in problem.jobs]
    counts = [first.count(f"M{number}") for number in range(1, 6)]
    assert min(counts) > 50
    durations = [task.modes[0].duration for task in problem.tasks]
    assert (min(durations), max(durations)) == (1, 99)
    assert abs(np.mean(durations) - 50) < 3


@examples(25)
@given(st.integers(0, 1000), st.integers(1, 25), st.floats(0, 2.5), st.floats(0, 1))
def test_projects(seed: int, tasks: int, complexity: float, factor: float) -> None:
    size = {"tasks": tasks, "complexity": complexity, "factor": factor, "seed": seed}
    tight, loose = (make("project", **size, strength=value) for value in (0.0, 1.0))
    graph = nx.DiGraph([(int(link.before), int(link.after)) for link in tight.precedences])
    assert all(before < after for before, after in graph.edges)
    assert set(nx.transitive_reduction(graph).edges) == set(graph.edges)
    for index, (low, high) in enumerate(zip(tight.resources, loose.resources, strict=True)):
        assert isinstance(low, Renewable)
        assert isinstance(high, Renewable)
        name = f"R{index + 1}"
        peak = max(task.modes[0].demands.get(name, 0) for task in tight.tasks)
        assert peak == low.capacity <= high.capacity


def test_complexity_is_reached_where_it_fits() -> None:
    for complexity in (1.5, 1.8, 2.1):
        problem = make("project", tasks=60, complexity=complexity)
        assert len(problem.precedences) == round(60 * complexity)


def test_modes_trade_time_for_resources() -> None:
    problem = make("multi-mode-project", tasks=30, modes=4, factor=1.0)
    for task in problem.tasks:
        durations = [mode.duration for mode in task.modes]
        assert durations == sorted(set(durations))
        for name in ("R1", "R2", "N1", "N2"):
            amounts = [mode.demands[name] for mode in task.modes]
            assert amounts == sorted(amounts, reverse=True)


@examples(25)
@given(st.integers(0, 1000), st.integers(2, 25), st.floats(0, 0.5))
def test_lags_alone_can_be_kept(seed: int, tasks: int, slack: float) -> None:
    problem = make("project-with-lags", tasks=tasks, cycles=1.0, slack=slack, seed=seed)
    graph: nx.DiGraph[int] = nx.DiGraph()
    graph.add_nodes_from(range(tasks))
    for link in problem.precedences:
        before, after = int(link.before), int(link.after)
        if link.max_lag is not None:
            graph.add_edge(after, before, weight=link.max_lag)
        else:
            graph.add_edge(before, after, weight=-(link.min_lag or 0))
    assert not nx.negative_edge_cycle(graph)


@examples(25)
@given(st.integers(0, 1000), st.integers(1, 40), st.integers(1, 4), st.floats(0.2, 3.0))
def test_task_graphs(seed: int, tasks: int, processors: int, alpha: float) -> None:
    size = {"tasks": tasks, "processors": processors, "alpha": alpha, "seed": seed}
    problem = make("task-graph", **size, mean=20, beta=1.0, ccr=2.0, degree=2)
    graph: nx.DiGraph[str] = nx.DiGraph()
    graph.add_nodes_from(task.id for task in problem.tasks)
    graph.add_edges_from((link.before, link.after) for link in problem.precedences)
    assert nx.is_directed_acyclic_graph(graph)
    assert [v for v in graph if graph.in_degree(v) == 0] == ["T0"]
    assert [v for v in graph if graph.out_degree(v) == 0] == [f"T{tasks - 1}"]
    assert all(link.transfer <= 80 for link in problem.precedences)
    for task in problem.tasks:
        costs = [mode.duration for mode in task.modes]
        assert len(costs) == processors
        assert 1 <= min(costs) <= max(costs) <= max(1, round(3 * min(costs)) + 3)


def test_wide_graphs_have_fewer_levels() -> None:
    def depth(alpha: float) -> int:
        problem = make("task-graph", tasks=100, alpha=alpha)
        links = [(link.before, link.after) for link in problem.precedences]
        return int(nx.dag_longest_path_length(nx.DiGraph(links)))

    assert depth(0.5) > depth(1.0) > depth(2.0)


def test_streams_of_jobs() -> None:
    problem = make("soc-stream", jobs=400, gap=30.0)
    releases = [job.release for job in problem.jobs]
    assert releases[0] == 0
    assert releases == sorted(releases)
    assert abs(releases[-1] / 399 - 30) < 4
    assert all(len(job.tasks) == 10 for job in problem.jobs)
    assert problem.objective.tiers[0].name == "total_flow"


def test_setups_keep_the_triangle_inequality() -> None:
    problem = make("setup-job-shop", jobs=4, machines=3, families=4)
    for machine in problem.resources:
        assert isinstance(machine, Machine)
        times = {(entry.before, entry.after): entry.time for entry in machine.setups}
        families = [f"F{number}" for number in range(1, 5)]
        for i, j, k in product(families, repeat=3):
            assert times.get((i, k), 0) <= times.get((i, j), 0) + times.get((j, k), 0)
    assert {task.modes[0].state for task in problem.tasks} == {"F1", "F2", "F3", "F4"}


def test_shops_with_one_more_rule_keep_their_operations() -> None:
    plain = make("job-shop", jobs=3, machines=3)
    for name, rule in (("no-wait-job-shop", "no_wait"), ("blocking-job-shop", "blocking")):
        shop = make(name, jobs=3, machines=3)
        assert all(getattr(job, rule) for job in shop.jobs)
        assert shop.tasks == plain.tasks
    flow = make("permutation-flow-shop", jobs=3, machines=3)
    assert flow.jobs == make("flow-shop", jobs=3, machines=3).jobs
    assert flow.same_order == (("M1", "M2", "M3"),)


@examples(25)
@given(st.integers(0, 1000), st.integers(1, 12), st.floats(0, 1))
def test_reservoirs_allow_one_task_after_the_other(seed: int, tasks: int, stock: float) -> None:
    problem = make("reservoir-project", tasks=tasks, reservoirs=2, stock=stock, seed=seed)
    now, rows = 0, []
    for task in problem.tasks:
        end = now + task.modes[0].duration
        rows.append(ScheduledTask(task=task.id, start=now, end=end))
        now = end
    tiers = (TierValue(name="makespan", objective=now),)
    answer = ScheduleSolution(status=Status.FEASIBLE, objective=now, tiers=tiers, tasks=tuple(rows))
    assert check_schedule(problem, answer) == []


@pytest.mark.parametrize(
    ("name", "values", "words"),
    [
        ("task-graph", {"tasks": 2000, "processors": 1000}, "tasks: found 2000 x 1000 modes"),
        ("setup-job-shop", {"families": 1000}, "families: found 10 x 1000 x 1000 setups"),
        ("cake", {}, "generator: found 'cake', expected one of: job-shop"),
        ("job-shop", {"jobs": "many"}, "jobs: found 'many', expected an integer from 1"),
        ("job-shop", {"jobs": "0"}, "jobs: found '0'"),
        ("job-shop", {"jobs": 2.5}, "jobs: found 2.5"),
        ("job-shop", {"jobs": True}, "jobs: found True"),
        ("job-shop", {"jobs": "9" * 5000}, "jobs: found"),
        ("job-shop", {"cakes": 3}, "parameter: found 'cakes', expected one of: jobs, machines"),
        ("job-shop", {"shortest": 9, "longest": 8}, "shortest: found 9, expected at most longest"),
        ("job-shop", {"jobs": 9999, "machines": 9999}, "at most 1000000"),
        ("taillard", {"jobs": 9999, "machines": 9999}, "at most 1000000"),
        ("flexible-job-shop", {"jobs": 9999, "operations": 999}, "at most 1000000"),
        (
            "project",
            {"strength": "nan"},
            "strength: found 'nan', expected a number from 0.0 to 1.0",
        ),
        ("project", {"strength": "inf"}, "strength: found 'inf'"),
    ],
)
def test_bad_parameters(name: str, values: dict[str, str | float], words: str) -> None:
    with pytest.raises(InputError, match=words):
        generate(name, values)


def test_all_bad_parameters_are_listed() -> None:
    with pytest.raises(InputError) as caught:
        generate("project", {"tasks": "x", "strength": 2, "cake": 1})
    assert len(caught.value.faults) == 3


def test_values_may_be_text() -> None:
    assert generate("project", {"tasks": "9", "strength": "0.5"}) == make("project", tasks=9)


def test_job_shops_with_sets_of_machines() -> None:
    problem = make("job-shop", jobs=6, machines=5, sets=2)
    names = [resource.id for resource in problem.resources]
    for job in problem.jobs:
        visits = [names.index(task.modes[0].machine or "") for task in job.tasks]
        assert sorted(visits[:3]) == [0, 1, 2]
        assert sorted(visits[3:]) == [3, 4]
    flow = make("job-shop", jobs=3, machines=4, sets=4)
    for job in flow.jobs:
        assert [task.modes[0].machine for task in job.tasks] == [r.id for r in flow.resources]
    with pytest.raises(InputError, match="sets: found 5, expected at most machines, 4"):
        make("job-shop", machines=4, sets=5)


def test_training_shops_are_of_all_sizes_and_differ() -> None:
    shops = training_shops(copies=2, sizes=((4, 3), (5, 2)))
    assert [len(shop.jobs) for shop in shops] == [4, 4, 5, 5] * 2
    assert len({shop.model_dump_json() for shop in shops}) == 8
    assert training_shops(copies=2, sizes=((4, 3), (5, 2))) == shops
    assert training_shops(copies=1, sizes=((4, 3),), seed=1)[0] != shops[0]
