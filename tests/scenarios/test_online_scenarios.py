"""Scenarios of online systems, in small: their rows, and what they promise."""

from __future__ import annotations

from types import ModuleType

import pytest

from scheduling.models.base import Status
from scheduling.models.schedule.check import objective_values
from scheduling.models.schedule.solution import ScheduleSolution
from scheduling.scenarios import deepsocs, entities, isbjssp, qlearn_jobs, workflow_dag
from scheduling.scenarios.registry import scenario
from scheduling.scenarios.scenario import Row, Run, data_folder
from scheduling.simulator.schedule.execute import execute
from scheduling.simulator.schedule.policies.mapping import RoundRobin

SMALL: dict[str, tuple[ModuleType, dict[str, object]]] = {
    "isbjssp": (isbjssp, {"_JOBS": 4, "_MACHINES": 3, "_SEEDS": 1, "_SHARES": (0.0, 1.0)}),
    "deepsocs": (deepsocs, {"_JOBS": 2, "_SEEDS": 1}),
    "qlearn-jobs": (qlearn_jobs, {"_JOBS": 6, "_SEEDS": 1, "_EPISODES": 5}),
    "workflow-dag": (workflow_dag, {"_STEPS": 8, "_SEEDS": 1, "_FLOWS": 2}),
    "entities": (entities, {"_TASKS": 5, "_ENTITIES": 4, "_SEEDS": 1}),
}


def small(name: str, monkeypatch: pytest.MonkeyPatch) -> list[Row]:
    module, sizes = SMALL[name]
    for key, value in {**sizes, "_BOUND_WORK": 0.5}.items():
        monkeypatch.setattr(module, key, value)
    # So long that no plan is cut by the clock.
    return scenario(name).run(Run(1e6))


@pytest.mark.parametrize("name", SMALL)
def test_rows_stand_beside_a_baseline_and_a_bound(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = small(name, monkeypatch)
    for row in rows:
        assert row.ratio is not None
        assert row.ratio > 0
        assert row.gap is not None
        assert 0 <= row.gap < 1
        assert row.baseline
    assert any(row.method == row.baseline and row.ratio == 1.0 for row in rows)
    assert any(row.method.startswith("resolve") and row.ratio <= 1.05 for row in rows if row.ratio)
    assert rows == small(name, monkeypatch)


def test_what_is_learned_beats_turns_on_new_streams() -> None:
    learner = qlearn_jobs.learn(60, seed=0)
    totals = {"q-learning": 0, "round-robin": 0}
    for problem in qlearn_jobs.streams():
        for policy in (learner.policy(), RoundRobin()):
            answer = ScheduleSolution(status=Status.FEASIBLE, tasks=execute(problem, policy))
            totals[policy.name] += objective_values(problem.truth, answer)[0]
    assert totals["q-learning"] < 0.9 * totals["round-robin"]


@pytest.mark.shared
def test_published_files_are_read() -> None:
    limits = Run(0.001, data_folder())
    if limits.data is None:
        pytest.skip("SCHEDULING_DATA unset")
    cases = {row.case for row in scenario("workflow-dag").run(limits)}
    assert any("WfCommons" in case for case in cases)
