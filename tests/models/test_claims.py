"""Checkers refuse the claim that nothing is a solution where something plainly is."""

from __future__ import annotations

from typing import Any

import pytest

import scheduling as sch
from scheduling.instances.kinds import problem_class, solution_class

ONE = {"start": 0, "end": 1, "size": 1}
SOLVABLE: dict[str, dict[str, Any]] = {
    "allocation": {"budget": 0, "claims": [{"id": "a", "gains": [1]}]},
    "batching": {"memory": 2, "requests": [{"id": "a", "prompt": 1, "output": 1}]},
    "caching": {"capacity": 0, "objects": [{"id": "a"}], "requests": [["a"]]},
    "checkpoint": {
        "step_seconds": 1.0,
        "mean_seconds_between_failures": 100.0,
        "levels": [{"id": "a", "copy_seconds": 1.0, "restart_seconds": 1.0}],
    },
    "experts": {"experts": [{"id": "a", "load": 1}], "devices": [{"id": "d", "slots": 1}]},
    "federated": {
        "min_steps": 1,
        "max_steps": 1,
        "clients": [{"id": "a", "seconds_per_step": 1.0}],
    },
    "leaf-spine": {"spines": 1, "flows": [{"source": "a", "target": "b"}]},
    "memory": {"buffers": [{"id": "a", **ONE}]},
    "offload": {
        "tasks": [{"id": "a", "offers": [{"server": "s", "work_seconds": 1.0, "joules": 1.0}]}]
    },
    "ordering": {"transactions": ["*"]},
    "packing": {"chunk_tokens": 1, "lengths": [1]},
    "pipeline": {"gpus": 1, "layers": [{"forward_seconds": 1.0, "backward_seconds": 1.0}]},
    "prefill": {"prompts": [{"id": "a", "duration": 2, "due": 1}]},
    "ring": {"rates": [[0.0, 1.0], [1.0, 0.0]]},
    "spot": {"work": 1, "deadline": 1},
    "table": {"fields": ["f"], "rows": [["a"]]},
}

LIMITED: dict[str, dict[str, Any]] = {
    "allocation": {"budget": 0, "claims": [{"id": "a", "gains": [1], "costs": [1]}]},
    "experts": {**SOLVABLE["experts"], "max_load": 0.5},
    "memory": {"buffers": [{"id": name, **ONE} for name in "ab"], "capacity": 1},
    "offload": {**SOLVABLE["offload"], "max_joules": 0.5},
    "spot": {"work": 2, "deadline": 1},
}


@pytest.mark.parametrize("kind", SOLVABLE)
def test_what_has_a_solution_is_not_infeasible(kind: str) -> None:
    problem = problem_class(kind).model_validate(SOLVABLE[kind])
    assert sch.check(problem, sch.solve(problem, work_limit=1, workers=1)) == []
    claim = solution_class(kind).model_validate({"kind": kind, "status": "infeasible"})
    assert [violation.constraint for violation in sch.check(problem, claim)] == ["status"]


@pytest.mark.parametrize("kind", LIMITED)
def test_what_has_none_may_be_infeasible(kind: str) -> None:
    problem = problem_class(kind).model_validate(LIMITED[kind])
    answer = sch.solve(problem, work_limit=1, workers=1)
    assert answer.status == "infeasible"
    assert sch.check(problem, answer) == []
