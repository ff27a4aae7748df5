"""Why an allocation problem has no solution: claims whose lowest levels cost more than there is."""

from __future__ import annotations

from collections.abc import Sequence

from scheduling.models.allocation.problem import AllocationProblem
from scheduling.models.base import Solution, Status
from scheduling.solvers.board import Budget
from scheduling.solvers.explain import Explainer, Explanation, Label
from scheduling.solvers.trials import solve_within


def explain_allocation(problem: AllocationProblem, budget: Budget) -> Explanation:
    """Name claims whose lowest levels exceed the budget together."""
    return Explainer(lambda: _Rules(problem), budget).explain()


class _Rules:
    """The budget, and for each claim that it is granted a level."""

    def __init__(self, problem: AllocationProblem) -> None:
        self.problem = problem
        self.least = [claim.levels()[0] for claim in problem.claims]
        self.labels = [Label("budget", (), f"there are {problem.budget} units")]
        self.labels += [
            Label("claim", (claim.id,), f"{claim.id!r} is granted {least} at least")
            for claim, least in zip(problem.claims, self.least, strict=True)
        ]
        self.groups = [[index] for index in range(len(self.labels))]

    def solution(self, budget: Budget) -> tuple[Status, Solution | None]:
        """Grant the lowest levels, and more where there is room."""
        found: Solution = solve_within(self.problem, budget, solver="greedy")
        return Status.FEASIBLE, found

    def by_formula(self) -> list[int] | None:
        """Take the dearest claims until they exceed the budget: as few as possible."""
        order = sorted(range(len(self.least)), key=lambda number: -self.least[number])
        total, taken = 0, [0]
        for number in order:
            total += self.least[number]
            taken.append(number + 1)
            if total > self.problem.budget:
                return sorted(taken)
        return None

    def core(self, parts: Sequence[Sequence[int]], budget: Budget) -> list[int] | None:
        """Name no conflict ahead of the search."""
        del parts, budget
        return None

    def holds(self, rules: Sequence[int], budget: Budget) -> bool | None:
        """Tell whether these claims fit the budget, where it is among the rules."""
        del budget
        return 0 not in rules or (
            sum(self.least[rule - 1] for rule in rules if rule) <= self.problem.budget
        )
