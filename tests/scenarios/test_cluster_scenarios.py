"""VM rescheduling and FGD: baselines, and the scenarios on generated and published clusters."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from scheduling.errors import InputError
from scheduling.instances.placement.openb import read_openb
from scheduling.instances.placement.random_machines import random_machines
from scheduling.instances.placement.vms import Host, Machine, rescheduling
from scheduling.scenarios import fgd, vmr2l
from scheduling.scenarios.scenario import Run
from scheduling.scenarios.vm_baselines import greedy_rescheduling, split_rescheduling
from scheduling.solvers.driver import solve


def test_the_greedy_moves_what_frees_most_and_stops() -> None:
    rooms = ((16, 99), (16, 99))
    hosts = [Host(name, rooms) for name in ("a", "b")]
    machines = [
        Machine("v1", "a", (0,), (4, 1)),
        Machine("v2", "b", (0,), (12, 1)),
        Machine("v3", "b", (1,), (16, 1)),
    ]
    # v1 leaves a whole node behind and fills the other: 12 + 4 pieces become none.
    assert greedy_rescheduling(rescheduling(hosts, machines, moves=0)) == 16
    assert greedy_rescheduling(rescheduling(hosts, machines, moves=1)) == 0
    pinned = [Machine(m.name, m.host, m.takes, m.need, pinned=True) for m in machines]
    assert greedy_rescheduling(rescheduling(hosts, pinned, moves=5)) == 16


def test_outcomes_are_no_worse_than_their_baselines() -> None:
    case = vmr2l.Case(random_machines(hosts=6, moves=4, seed=3))
    found = vmr2l.outcome(case, 1e6, workers=1, baselines=False)
    assert found.closed
    assert found.value <= found.greedy <= found.before
    assert found.moves <= 4
    now = solve(case.problem.model_copy(update={"max_moves": 0}), "columns", work_limit=1.0)
    assert found.value <= split_rescheduling(case.problem, now, 2, 4.0, 0) <= found.before
    assert 0 <= (found.rate(found.value) or 0.0) <= 100


def test_without_time_nothing_moves_and_nothing_is_claimed() -> None:
    found = vmr2l.outcome(vmr2l.Case(random_machines(hosts=8, moves=4, seed=3)), 1e-6, workers=1)
    assert found.bound <= found.value == found.before
    for other in (found.split, found.plain):
        assert other is not None
        assert found.bound <= other <= found.before


def test_generated_clusters_fit_and_leave_room() -> None:
    problem = random_machines(hosts=5, seed=1)
    assert problem == random_machines(hosts=5, seed=1)
    assert all(item.node is not None for item in problem.items)
    assert problem.max_moves == 10


def test_the_scenario_says_what_it_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vmr2l, "_GENERATED", ((8, 4), (10, 5)))
    rows = vmr2l.run(Run(seconds=1e6))
    assert all(row.value <= (row.baseline_value or 0.0) for row in rows)
    assert all("POP" in row.verdict for row in rows)
    assert [row.case.endswith("; 2 of 2 cases") for row in rows] == [True, True]
    (row,) = vmr2l.run(Run(seconds=0.0))
    assert row.case.endswith("; 1 of 2 cases")


@pytest.mark.shared
def test_the_greedy_is_that_of_the_data(shared_data: Path) -> None:
    index = shared_data / vmr2l.INDEX
    known = json.loads(index.read_text())["instances"]
    for name, entry in known.items():
        if entry["n_pm"] > 40:
            continue
        for case in vmr2l.published_cases(index, frozenset([name])):
            limit = str(case.problem.max_moves)
            slots = entry["mnl"][limit]["ha_slots"]
            assert greedy_rescheduling(case.problem) == entry["free_cpu"] - 16 * slots


GPU_NODES = "sn,cpu_milli,memory_mib,gpu,model\n" + "".join(
    f"n{number},96000,400000,4,{'T4' if number % 2 else 'A10'}\n" for number in range(8)
)
GPU_PODS = """name,cpu_milli,memory_mib,num_gpu,gpu_milli,gpu_spec
p1,4000,8000,1,300,
p2,4000,8000,1,700,T4
p3,8000,8000,1,1000,
p4,8000,8000,2,1000,
"""


def test_arrivals_are_counted_until_they_ask_for_so_much() -> None:
    problem = read_openb(f"{GPU_NODES}\n{GPU_PODS}", None)
    cluster = fgd.arrivals(problem, nodes=6, seed=1)
    assert cluster == fgd.arrivals(problem, nodes=6, seed=1)
    assert cluster.gpus == 6 * 4 * 1000
    names = frozenset(item.id for item in cluster.problem.items)
    assert cluster.left_over(frozenset(), 100) == 100.0
    assert 0.0 <= cluster.left_over(names, 100) < 13.0
    assert 10.0 <= cluster.left_over(names, 90) < 20.0


def test_rules_leave_more_than_nobody_asked_for() -> None:
    problem = read_openb(f"{GPU_NODES}\n{GPU_PODS}", None)
    cluster = fgd.arrivals(problem, nodes=8, seed=2)
    answers = {rule: fgd.answer_of(cluster, rule) for rule in fgd.RULES}
    found = {rule: fgd.placed_by(answer) for rule, answer in answers.items()}
    found["random fit"] = fgd.placed_at_random(cluster, 0)
    found[fgd.PLAN] = fgd.placed_by(fgd.planned(cluster, answers["fgd"], 3.0))
    rows = fgd.rows(cluster, found)
    assert {row.method for row in rows} == {*fgd.RULES, "random fit", fgd.PLAN}
    assert all(row.gap is None or 0.0 <= row.gap <= 1.0 for row in rows)
    assert all(0.0 <= row.value <= 100.0 for row in rows)


def test_the_file_that_is_wanted_is_named() -> None:
    with pytest.raises(InputError, match="openb_node_list_gpu_node"):
        fgd.run(Run(seconds=1.0))
