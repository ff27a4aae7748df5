"""What must hold of solvers on any tiny placement, given the best values by brute force."""

from __future__ import annotations

import scheduling as sch
from scheduling.models.base import Status
from scheduling.models.placement.bounds import unplaced_bound
from scheduling.models.placement.compiling import compile_placement
from scheduling.models.placement.problem import PlacementProblem
from scheduling.models.placement.solution import PlacementSolution
from scheduling.models.placement.steps import replay
from scheduling.solvers.placement.columns.solver import Columns
from scheduling.solvers.placement.family import CompiledPlacement
from scheduling.solvers.placement.ordering import order_steps


def values_of(solution: PlacementSolution) -> tuple[int, ...]:
    """Value of each tier."""
    return tuple(int(tier.objective or 0) for tier in solution.tiers)


def exact(
    problem: PlacementProblem, best: tuple[int, ...], solver: str, work: float = 20.0
) -> PlacementSolution:
    """A solver finds and proves the optimum."""
    solution: PlacementSolution = sch.solve(problem, solver, work_limit=work, workers=1)
    assert solution.status is Status.OPTIMAL
    assert values_of(solution) == best
    return solution


def no_better_than_the_optimum(
    problem: PlacementProblem, best: tuple[int, ...], solver: str
) -> None:
    """A heuristic finds only what is there."""
    solution = sch.solve(problem, solver, work_limit=2, workers=1)
    assert sch.check(problem, solution) == []
    assert values_of(solution) >= best


def bounded_by_formula(problem: PlacementProblem, best: tuple[int, ...]) -> None:
    """The bound of what stays unplaced exceeds the optimum of no priority."""
    arrays = compile_placement(problem)
    caps: tuple[int, ...] = ()
    for tier in range(arrays.n_priorities):
        assert unplaced_bound(arrays, tier, caps) <= best[tier]
        caps = (*caps, best[tier])


def carried_out(problem: PlacementProblem, solution: PlacementSolution) -> None:
    """Steps lead from what runs to the solution and keep all rules at each."""
    assert list(replay(problem, solution, order_steps(problem, solution))) == []


def settled(problem: PlacementProblem, goals: list[str]) -> PlacementProblem:
    """Leave out what waits, and what patterns do not know."""
    document = problem.model_dump(mode="json")
    document["items"] = [
        {**item, "gang": None, "window": None}
        for item in document["items"]
        if item["node"] is not None
    ]
    document["goals"] = goals
    return PlacementProblem.model_validate(document)


def taken(problem: PlacementProblem) -> bool:
    """Pattern columns take the problem."""
    return bool(problem.items) and Columns().refusal(CompiledPlacement(problem)) is None
