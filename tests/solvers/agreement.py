"""What solvers of every family keep to on problems whose best values are known."""

from __future__ import annotations

from collections.abc import Sequence

from scheduling.models.base import Solution, Status


def assert_best(answer: Solution, best: Sequence[int] | None) -> None:
    """An exact solver's answer has the best value in every tier; ``None``: there is none."""
    if best is None:
        assert answer.status is Status.INFEASIBLE
    else:
        assert answer.status is Status.OPTIMAL
        assert [tier.objective for tier in answer.tiers] == list(best)


def assert_bounds(
    floors: Sequence[int | None] | None, answer: Solution, best: Sequence[int] | None
) -> None:
    """Bounds by formula and a heuristic's first tier enclose the best values."""
    if best is None:
        assert answer.objective is None
        return
    assert floors is not None
    assert all(
        floor is not None and floor <= value for floor, value in zip(floors, best, strict=True)
    )
    if answer.objective is not None:
        first = answer.tiers[0]
        assert first.objective is not None
        assert first.bound is not None
        assert first.bound <= best[0] <= first.objective
