"""Explanations of loops: the circle, unit, memory or warp that makes an interval impossible."""

from __future__ import annotations

from typing import Any, cast

from hypothesis import HealthCheck, given

import scheduling as sch
from scheduling.instances import bundled
from scheduling.models.base import Status
from scheduling.models.loop.problem import LoopProblem
from scheduling.solvers.explain import Explanation
from tests.loops import best_pipeline, loops
from tests.properties import examples


def explained(**fields: Any) -> Explanation:
    problem = LoopProblem.model_validate({"kind": "loop", **fields})
    found: Explanation = sch.explain(problem, 60.0, workers=1)
    assert found.status is Status.INFEASIBLE
    assert found.is_minimal
    return found


def kinds(found: Explanation) -> list[str]:
    return [label.kind for label in found.conflict]


def test_a_recurrence_is_named() -> None:
    found = explained(
        operations=[{"id": name, "latency": 3} for name in ("a", "b", "c")],
        dependences=[
            {"before": "a", "after": "b"},
            {"before": "b", "after": "a", "distance": 2},
            {"before": "b", "after": "c"},
            {"before": "c", "after": "c", "distance": 1},
        ],
        interval_limit=2,
    )
    # a -> b -> a needs 6 cycles in 2 iterations, c -> c 3 cycles in one.
    assert kinds(found) in (["interval", "dependence"], ["interval", "dependence", "dependence"])
    assert "an iteration begins every 2 cycles or sooner" in str(found)


def test_the_load_of_a_unit_is_named_with_the_uses_that_it_takes() -> None:
    uses = {"a": 3, "b": 1, "c": 3, "d": 2}
    found = explained(
        units=[{"id": "core"}, {"id": "other"}],
        operations=[
            {
                "id": name,
                "latency": 1,
                "uses": [{"unit": "core", "cycles": cycles}, {"unit": "other", "cycles": 1}],
            }
            for name, cycles in uses.items()
        ],
        interval_limit=5,
    )
    assert kinds(found)[:2] == ["interval", "unit"]
    assert kinds(found)[2:] == ["use"] * (len(found.conflict) - 2)
    named = {label.entities[0] for label in found.conflict[2:]}
    assert all(label.entities[1] == "core" for label in found.conflict[2:])
    assert sum(uses[name] for name in named) > 5
    assert all(sum(uses[name] for name in named) - uses[one] <= 5 for one in named)


def test_a_memory_that_is_too_small_is_named() -> None:
    """A value of 3 that is live for 4 cycles: at an interval of 2 there are two of them."""
    found = explained(
        memories=[{"id": "registers", "capacity": 5}],
        operations=[{"id": "load", "latency": 2}, {"id": "add", "latency": 2}],
        values=[
            {
                "id": "x",
                "producer": "load",
                "memory": "registers",
                "size": 3,
                "readers": [{"operation": "add"}],
            }
        ],
        interval_limit=3,
    )
    assert kinds(found) == ["interval", "memory", "value"]
    assert "'x' takes 3 of memory 'registers' from the start of 'load' until 'add' ended" in str(
        found
    )
    assert set(found.relaxations) == set(found.conflict)


def test_warps_are_named() -> None:
    found = explained(
        operations=[
            {"id": "load", "latency": 1, "warps": ["w"], "variable": True},
            {"id": "add", "latency": 1, "warps": ["w"]},
            {"id": "free", "latency": 1},
        ],
        warps=["w", "v"],
    )
    assert kinds(found) == ["variable", "warps", "warps"]
    assert {label.entities for label in found.conflict[1:]} == {("load", "w"), ("add", "w")}


def test_flash_attention_is_held_up_by_the_tensor_cores() -> None:
    problem = cast("LoopProblem", bundled.load("flash-attention-hopper"))
    found = sch.explain(problem.model_copy(update={"interval_limit": 2047}), 60.0, workers=1)
    assert kinds(found) == ["interval", "unit", "use", "use", "use", "use"]
    assert {label.entities[-1] for label in found.conflict[1:]} == {"tensor"}


@examples(40, suppress_health_check=list(HealthCheck))
@given(problem=loops())
def test_a_conflict_is_stated_exactly_where_there_is_no_pipeline(problem: LoopProblem) -> None:
    found = sch.explain(problem, 60.0, workers=1)
    if best_pipeline(problem) is not None:
        assert found.status is Status.FEASIBLE
        assert found.solution is not None
        assert not sch.check(problem, found.solution)
        return
    assert found.status is Status.INFEASIBLE
    assert found.is_minimal
    assert found.conflict
    if found.relaxations and found.relaxations[0].kind == "interval":
        relaxed = problem.model_copy(update={"interval_limit": None})
        assert best_pipeline(relaxed) is not None
