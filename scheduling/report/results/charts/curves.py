"""Charts of curves and of amounts: gain over budget, loads of links, arrivals."""

from __future__ import annotations

from scheduling.models.allocation.problem import AllocationProblem
from scheduling.models.allocation.solution import AllocationSolution
from scheduling.models.checkpoint.problem import CheckpointProblem
from scheduling.models.checkpoint.solution import CheckpointSolution
from scheduling.models.federated.problem import FederatedProblem
from scheduling.models.federated.solution import FederatedSolution
from scheduling.models.ring.check import links
from scheduling.models.ring.problem import RingProblem
from scheduling.models.ring.solution import RingSolution
from scheduling.models.spines.problem import LeafSpine
from scheduling.models.spines.solution import LeafSpineSolution
from scheduling.report.allocation.chart import curve
from scheduling.report.checkpoint.chart import curve as waste_curve
from scheduling.report.federated.chart import arrivals
from scheduling.report.results.content import Axis, Bars, Chart, Lines, Series
from scheduling.report.spines.chart import loads


def allocation(problem: AllocationProblem, solution: AllocationSolution) -> list[Chart]:
    """Draw the gain over the budget."""
    budgets, gains = curve(problem)
    series = [Series("bound", budgets, gains, dashed=True)]
    if solution.objective is not None:
        spent = sum(grant.amount for grant in solution.grants)
        series.append(Series("this answer", [spent], [float(solution.objective)], "points"))
    return [Lines("Gain over budget", Axis("budget"), Axis("gain"), series)]


def checkpoint(problem: CheckpointProblem, solution: CheckpointSolution) -> list[Chart]:
    """Draw the waste over the interval between copies."""
    seconds, wastes = waste_curve(problem, solution)
    if not seconds or solution.steps is None or solution.objective is None:
        return []
    at = solution.steps * problem.step_seconds
    series = [
        Series("expected", seconds, wastes),
        Series("this answer", [at], [float(solution.objective)], "points"),
    ]
    axes = Axis("seconds between copies", log=True), Axis("share of time wasted")
    return [Lines("Waste over the interval between copies", *axes, series)]


def spines(problem: LeafSpine, solution: LeafSpineSolution) -> list[Chart]:
    """Draw the loads of the links, the busiest first, and the least congestion."""
    series = [
        Series(name, list(range(1, len(values) + 1)), values, "step")
        for name, values in zip(("up", "down"), loads(problem, solution), strict=True)
        if values
    ]
    bound = solution.tiers[0].bound if solution.tiers else None
    if series and bound is not None:
        ends = [1, max(len(one.x) for one in series)]
        series.append(Series("least congestion", ends, [float(bound)] * 2, dashed=True))
    axes = Axis("link, the busiest first", whole=True), Axis("load")
    return [Lines("Loads of the links", *axes, series)] if series else []


def ring(problem: RingProblem, solution: RingSolution) -> list[Chart]:
    """Draw the rate of each link."""
    found = links(solution)
    names = [f"{a} to {b}" for a, b in found]
    rates = [problem.rates[a][b] for a, b in found]
    return [Bars("Rate of each link", Axis("rate"), names, [("rate", rates)])] if found else []


def federated(problem: FederatedProblem, solution: FederatedSolution) -> list[Chart]:
    """Draw when each client's model arrives."""
    found = arrivals(problem, solution)
    series = [("seconds", list(found.values()))]
    return [Bars("Arrival of each model", Axis("seconds"), list(found), series)] if found else []
