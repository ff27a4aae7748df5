from __future__ import annotations

from pathlib import Path

import pytest

from scheduling.errors import InputError
from scheduling.instances import bundled
from scheduling.instances.files import read
from scheduling.models.base import Status
from scheduling.models.loop.problem import LoopProblem
from scheduling.models.schedule.problem import ScheduleProblem
from scheduling.solvers.driver import solve

SMALL = [name for name in bundled.names() if not name.startswith("ta")]


@pytest.mark.parametrize("name", bundled.names())
def test_every_instance_loads(name: str) -> None:
    problem = read(f"bundled:{name}")
    assert isinstance(problem, ScheduleProblem | LoopProblem)
    assert problem == bundled.load(name)
    assert problem.name == name
    entry = bundled.catalogue()[name]
    assert entry.family == problem.kind
    assert entry.summary


def test_bounds_are_in_order() -> None:
    for name in bundled.names():
        best = bundled.best_known(name)
        if best is not None and best.lower is not None and best.upper is not None:
            assert len(best.lower) == len(best.upper)
            assert all(low <= high for low, high in zip(best.lower, best.upper, strict=True))
    assert sum(best is not None for best in map(bundled.best_known, bundled.names())) >= 54


@pytest.mark.parametrize("name", SMALL)
def test_small_instances_are_closed_and_have_one_value_per_tier(name: str) -> None:
    best, problem = bundled.best_known(name), bundled.load(name)
    assert best is not None
    assert isinstance(problem, ScheduleProblem | LoopProblem)
    assert best.closed
    assert best.source
    count = len(problem.objective.tiers) if isinstance(problem, ScheduleProblem) else 2
    assert best.infeasible or len(best.upper or ()) == count


@pytest.mark.parametrize("name", SMALL)
def test_the_values_are_proven_again(name: str) -> None:
    best, problem = bundled.best_known(name), bundled.load(name)
    assert best is not None
    solution = solve(problem, "cp-sat", time_limit=1e6, workers=2)
    if best.infeasible:
        assert solution.status == Status.INFEASIBLE
    else:
        assert solution.status == Status.OPTIMAL
        assert tuple(tier.objective for tier in solution.tiers) == best.upper


def test_known_values() -> None:
    ft06, ta41, ta03 = (bundled.best_known(name) for name in ("ft06", "ta41", "ta03"))
    assert ft06 is not None
    assert ft06.upper == (55,)
    assert ta41 is not None
    assert (ta41.lower, ta41.upper, ta41.closed) == ((1926,), (2005,), False)
    assert ta03 is None


def test_unknown_names_suggest_known_ones() -> None:
    with pytest.raises(InputError, match="found 'ft6', expected a name such as ft06"):
        read("bundled:ft6")
    with pytest.raises(InputError, match="a name such as ft06, ta01"):
        bundled.best_known("")


@pytest.mark.shared
def test_ft06_is_the_published_one(shared_data: Path) -> None:
    assert read(shared_data / "jsp" / "ft06.txt") == bundled.load("ft06")
