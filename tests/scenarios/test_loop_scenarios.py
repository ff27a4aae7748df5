"""The scenario of software pipelines: proven intervals and the published structure."""

from __future__ import annotations

import pytest

from scheduling.instances import bundled
from scheduling.models.base import Status
from scheduling.models.loop.arrays import compile_loop
from scheduling.models.loop.bounds import recurrence_bound, resource_bound
from scheduling.models.loop.problem import LoopProblem
from scheduling.models.loop.solution import LoopSolution
from scheduling.scenarios.twill import LOOPS, covered, loading_warps
from scheduling.solvers.driver import solve


@pytest.mark.parametrize("name", LOOPS)
def test_flash_attention_has_the_published_pipeline(name: str) -> None:
    problem = bundled.load(name)
    assert isinstance(problem, LoopProblem)
    answer: LoopSolution = solve(problem, work_limit=60, workers=1)
    arrays = compile_loop(problem)
    assert answer.tiers[0].closed
    assert answer.interval == max(resource_bound(arrays), recurrence_bound(arrays)) == 2048
    assert covered(problem, answer, "exp", "tensor") == 1.0
    assert loading_warps(problem, answer) == (1, 0)
    best = bundled.best_known(name)
    assert best is not None
    if answer.status is Status.OPTIMAL:
        assert tuple(tier.objective for tier in answer.tiers) == best.upper
