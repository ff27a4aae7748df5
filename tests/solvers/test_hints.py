"""Hints that answer another problem, of every kind and solver: they may help, never mislead."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, given
from hypothesis import strategies as st

import scheduling as sch
from scheduling.models.base import Problem, Status
from scheduling.solvers.registry import family_of
from tests.allocations import allocation_problems
from tests.batching import batching_problems
from tests.buffers import memory_problems
from tests.caching import caching_problems
from tests.experts import expert_problems
from tests.loops import loops
from tests.ordering import batches
from tests.prefill import prefill_problems
from tests.properties import examples
from tests.tiers import tiered_problems

DRAWN: dict[str, Callable[[], st.SearchStrategy[Problem]]] = {
    "allocation": allocation_problems,
    "batching": batching_problems,
    "caching": caching_problems,
    "experts": expert_problems,
    "loop": loops,
    "memory": memory_problems,
    "ordering": batches,
    "prefill": prefill_problems,
    "tiers": tiered_problems,
}

_SEARCHES = frozenset({"annealing", "descent", "local-search", "lns", "swaps"})
"""Solvers that spend all their work where nothing proves what they have found."""


@pytest.mark.parametrize("kind", DRAWN)
@examples(8, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_answers_of_other_problems_mislead_no_solver(kind: str, data: st.DataObject) -> None:
    problem, other = (data.draw(DRAWN[kind]()) for _ in range(2))
    hint = sch.solve(other, work_limit=1, workers=1)
    family = family_of(problem)
    known = []
    for name in family.takers(family.compile(problem)):
        work = 0.05 if name in _SEARCHES else 1.0
        answer = sch.solve(problem, name, work_limit=work, workers=1, hint=hint)
        assert sch.check(problem, answer) == []
        known.append(answer)
    # No bound of one is beyond the value of another, and none has what another proves away.
    solved = [answer for answer in known if answer.status in (Status.OPTIMAL, Status.FEASIBLE)]
    assert not solved or all(answer.status is not Status.INFEASIBLE for answer in known)
    for answer in solved:
        first = answer.tiers[0]
        for rival in solved:
            value = rival.tiers[0].objective
            assert value is not None
            if first.bound is not None:
                least, most = sorted((first.bound, value))
                assert (least if first.sense == "min" else most) == first.bound
