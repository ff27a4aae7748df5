"""Why no fleet serves everything, and the least change of one constraint that lets one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from scheduling.models.base import Solution, Status
from scheduling.models.serving.problem import COST_SCALE, RATE_SCALE, RATE_UNIT, ServingProblem
from scheduling.models.serving.solution import ServingSolution
from scheduling.solvers.board import Budget
from scheduling.solvers.driver import solve
from scheduling.solvers.explain import Explainer, Explanation, Label
from scheduling.solvers.serving.constraints import (
    LARGE,
    PLENTY,
    Rule,
    rules_of,
    with_rate,
    with_size,
    without,
)

_GOALS = {"gpus": "gpus", "cost_per_hour": "cost", "watts": "watts", "moves": "moves"}
"""Tier that says how much of a limit is needed."""

_SHARE = 0.25


@dataclass(frozen=True, slots=True)
class Change:
    """A change of one constraint after which a fleet exists.

    Parameters
    ----------
    label
        The constraint.
    now, needed
        Its value and the nearest one known to suffice; of a demand, the most that can be served.
    """

    label: Label
    now: float
    needed: float

    @property
    def share(self) -> float:
        """Size of the change as a share of the larger value."""
        return abs(self.needed - self.now) / max(abs(self.needed), abs(self.now), 1e-12)

    def __str__(self) -> str:
        return f"{self.label}: {self.needed:g} instead of {self.now:g}"


@dataclass(frozen=True)
class ServingExplanation(Explanation):
    """An explanation with the changes of single constraints that suffice, the least first."""

    changes: tuple[Change, ...] = ()

    def record(self) -> dict[str, Any]:
        """Return plain values, ready for JSON."""
        changes = [asdict(change) | {"share": change.share} for change in self.changes]
        return super().record() | {"changes": changes}

    def __str__(self) -> str:
        lines = [super().__str__()]
        if self.changes:
            lines.append("Least change of each that gives a solution, cheapest first:")
            lines += [f"  - {change}" for change in self.changes]
        return "\n".join(lines)


def explain_serving(problem: ServingProblem, budget: Budget) -> ServingExplanation:
    """Name a minimal conflict among pools, demands, limits and scenarios, and what mends it."""
    conflict = ServingConflict(problem)
    explainer = Explainer(lambda: conflict, budget)
    found = explainer.explain()
    chosen = set(found.relaxations)
    rules = [rule for rule in conflict.rules if rule.label in chosen]
    changes = [_change(problem, rule, budget) for rule in rules]
    known = sorted((c for c in changes if c is not None), key=lambda change: change.share)
    return ServingExplanation(
        status=found.status,
        conflict=found.conflict,
        is_minimal=found.is_minimal,
        relaxations=found.relaxations,
        solution=found.solution,
        seconds=found.seconds,
        changes=tuple(known),
    )


class ServingConflict:
    """The constraints of one problem, and whether some of them can hold together."""

    def __init__(self, problem: ServingProblem) -> None:
        self.problem = problem
        self.rules = rules_of(problem)

    @property
    def labels(self) -> Sequence[Label]:
        """Every constraint of the user."""
        return [rule.label for rule in self.rules]

    @property
    def groups(self) -> Sequence[Sequence[int]]:
        """Constraints of one kind."""
        kinds = dict.fromkeys(rule.kind for rule in self.rules)
        return [[n for n, rule in enumerate(self.rules) if rule.kind == kind] for kind in kinds]

    def solution(self, budget: Budget) -> tuple[Status, Solution | None]:
        """Solve the whole problem for feasibility."""
        if self.problem.demands_are_met:
            held = _met(self.problem, budget.part(0.5))
            if held is None or not held:
                return Status.UNKNOWN if held is None else Status.INFEASIBLE, None
        found = _solved(self.problem, budget.part(0.5))
        if found.status in (Status.OPTIMAL, Status.FEASIBLE):
            return Status.FEASIBLE, found
        return found.status, None

    def by_formula(self) -> list[int] | None:
        """Find no conflict without search."""
        return None

    def core(self, parts: Sequence[Sequence[int]], budget: Budget) -> list[int] | None:  # noqa: ARG002
        """Name no core: the constraints are few."""
        return None

    def holds(self, rules: Sequence[int], budget: Budget) -> bool | None:
        """Tell whether constraints can hold together; ``None`` when not settled."""
        kept = set(rules)
        gone = [rule for number, rule in enumerate(self.rules) if number not in kept]
        return _met(without(self.problem, gone), budget)


def _met(problem: ServingProblem, budget: Budget) -> bool | None:
    """Tell whether all demands can be met."""
    answer = _solved(problem.model_copy(update={"goals": ("unserved",)}), budget)
    if answer.status is Status.INFEASIBLE:
        return False
    if not answer.tiers:
        return None
    tier = answer.tiers[0]
    if tier.objective == 0:
        return True
    return False if tier.bound is not None and tier.bound > 0 else None


def _solved(problem: ServingProblem, budget: Budget) -> ServingSolution:
    seconds = max(0.1, budget.remaining() or 0.1)
    found: ServingSolution = solve(
        problem, time_limit=seconds, workers=budget.workers, seed=budget.seed
    )
    return found


def _change(problem: ServingProblem, rule: Rule, budget: Budget) -> Change | None:
    """Find the least change of one constraint that lets a fleet exist."""
    if not budget.remaining():
        return None
    part = budget.part(_SHARE)
    if rule.kind in _GOALS:
        return _raised(problem, rule, part)
    if rule.kind == "demand":
        return _lowered(problem, rule, part)
    if rule.kind == "pool":
        return _grown(problem, rule, part)
    return None


def _raised(problem: ServingProblem, rule: Rule, budget: Budget) -> Change | None:
    goal = _GOALS[rule.kind]
    free = without(problem, [rule]).model_copy(update={"goals": (goal,)})
    answer = _solved(free, budget)
    if not answer.tiers or answer.tiers[0].objective is None:
        return None
    scale = COST_SCALE if goal == "cost" else 1
    now = float(getattr(problem.limits, rule.kind))
    return Change(rule.label, now, answer.tiers[0].objective / scale)


def _lowered(problem: ServingProblem, rule: Rule, budget: Budget) -> Change | None:
    now = problem.demands[rule.index].requests_per_second or 0.0
    free = with_rate(problem, rule.index, None)
    answer = _solved(free.model_copy(update={"goals": ("unserved", "rate")}), budget)
    if not answer.tiers or answer.tiers[0].objective != 0:
        return None
    reached = min(_reached(problem, rule.index, answer))
    reached = int(reached) // RATE_UNIT * RATE_UNIT / RATE_SCALE
    return Change(rule.label, now, reached) if reached < now else None


def _reached(problem: ServingProblem, index: int, answer: ServingSolution) -> Iterator[float]:
    """Yield the rate of a demand that each scenario bears, in millionths."""
    name = problem.demands[index].id
    roles = {template.id: template.role for template in problem.templates}
    factors: dict[str | None, float] = {None: 1.0}
    factors |= {s.id: s.demands.get(name, s.all_demands) for s in problem.scenarios}
    for scenario, factor in factors.items():
        served = sum(
            flow.micro_requests_per_second
            for flow in answer.flows
            if (flow.demand, flow.scenario) == (name, scenario) and roles[flow.template] != "decode"
        )
        yield served / factor


def _grown(problem: ServingProblem, rule: Rule, budget: Budget) -> Change | None:
    """Find the least size by halving; ``None`` where this pool alone is not what is missing."""
    pool = problem.pools[rule.index]
    now = pool.nodes if pool.nodes is not None else pool.size
    # Domains of several nodes come whole.
    step = 1 if pool.nodes is None else max(1, (pool.domain or 1) // (pool.gpus_per_node or 1))
    most = max(now * PLENTY, 16 if pool.nodes is not None else LARGE)
    low, high = now // step, most // step
    if not _met(with_size(problem, rule.index, high * step), budget.part(0.3)):
        return None
    while high - low > 1 and budget.remaining():
        middle = (low + high) // 2
        if _met(with_size(problem, rule.index, middle * step), budget.part(0.3)):
            high = middle
        else:
            low = middle
    return Change(rule.label, float(now), float(high * step))
