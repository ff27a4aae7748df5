"""Independent check of Pareto fronts: every point, their order, and the two volumes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise, permutations

from scheduling.models.base import Status, TierValue, Violation, relative_gap
from scheduling.models.front import ParetoFront
from scheduling.models.schedule.check import check_schedule, objective_values
from scheduling.models.schedule.problem import ScheduleProblem
from scheduling.models.schedule.solution import ScheduleSolution
from scheduling.models.serving.check import check_serving
from scheduling.models.serving.problem import ServingProblem
from scheduling.models.serving.solution import ServingSolution

Vector = tuple[int, ...]


def check_front(problem: ScheduleProblem | ServingProblem, front: ParetoFront) -> list[Violation]:
    """Return every way in which a front breaks its definition; empty means valid."""
    if isinstance(problem, ScheduleProblem):
        names = tuple(tier.name for tier in problem.objective.tiers)
    else:
        names = tuple(problem.goals)
    if front.criteria != names:
        where = f"{', '.join(front.criteria)} instead of {', '.join(names)}"
        return [Violation("criteria", where)]
    found = [
        Violation(entry.constraint, f"point {number}: {entry.where}", entry.amount, entry.unit)
        for number, point in enumerate(front.points)
        for entry in _check_point(problem, point)
    ]
    found += [
        Violation("status", f"point {number} is {point.status}")
        for number, point in enumerate(front.points)
        if point.status not in (Status.OPTIMAL, Status.FEASIBLE)
    ]
    if found:
        return found
    values = [_values(problem, point) for point in front.points]
    return [*_order(values), *_lower_set(front, values), *_certificate(front, values)]


def _check_point(
    problem: ScheduleProblem | ServingProblem, point: ScheduleSolution | ServingSolution
) -> list[Violation]:
    if isinstance(problem, ScheduleProblem) and isinstance(point, ScheduleSolution):
        return check_schedule(problem, point)
    if isinstance(problem, ServingProblem) and isinstance(point, ServingSolution):
        return check_serving(problem, point)
    return [Violation("kind", f"{point.kind} instead of {problem.kind}")]


def _values(
    problem: ScheduleProblem | ServingProblem, point: ScheduleSolution | ServingSolution
) -> Vector:
    """Return the vector of a point that was found valid, from its schedule or checked tiers."""
    if isinstance(problem, ScheduleProblem) and isinstance(point, ScheduleSolution):
        return tuple(objective_values(problem, point))
    return tuple(_least(tier.objective, tier) for tier in point.tiers)


def _least(value: float | None, tier: TierValue) -> int:
    """Return a value or bound of a tier as it is minimised."""
    return int(value or 0) * (-1 if tier.sense == "max" else 1)


def _order(values: list[Vector]) -> Iterator[Violation]:
    for (first, one), (second, other) in permutations(enumerate(values), 2):
        if one != other and all(a <= b for a, b in zip(one, other, strict=True)):
            yield Violation("dominated", f"point {second} by point {first}")
    for (first, one), (second, other) in pairwise(enumerate(values)):
        if one >= other:
            yield Violation("order", f"point {second} does not come after point {first}")


def _lower_set(front: ParetoFront, values: list[Vector]) -> Iterator[Violation]:
    for number, value in enumerate(values):
        if not any(_below(low, value) for low in front.lower):
            yield Violation("bound", f"point {number} lies below the lower bounds")
            continue
        for tier, stated in enumerate(front.points[number].tiers):
            # What any schedule reaches that is no worse than this one in the tiers before.
            open_ = [low for low in front.lower if _below(low[:tier], value[:tier])]
            least = min((low[tier] for low in open_), default=None)
            if least is None or stated.bound is None or _least(stated.bound, stated) != least:
                where = f"point {number}, {stated.name}: {stated.bound} instead of {least}"
                yield Violation("bound", where)


def _below(low: Sequence[int], value: Sequence[int]) -> bool:
    return len(low) == len(value) and all(a <= b for a, b in zip(low, value, strict=True))


def _certificate(front: ParetoFront, values: list[Vector]) -> Iterator[Violation]:
    if not values:
        if front.status not in (Status.INFEASIBLE, Status.UNKNOWN):
            yield Violation("status", f"{front.status} without points")
        return
    reference = tuple(max(column) + 1 for column in zip(*values, strict=True))
    if front.reference != reference:
        yield Violation("reference", f"{front.reference} instead of {reference}")
        return
    volume = _volume(values, reference)
    bound = _volume([tuple(low) for low in front.lower], reference)
    complete = {tuple(low) for low in front.lower} == set(values)
    status = Status.OPTIMAL if complete else Status.FEASIBLE
    if front.status is not status:
        yield Violation("status", f"{front.status} although the front is {status}")
    stated = (front.objective, front.bound, front.gap)
    if stated != (volume, bound, relative_gap(volume, bound)):
        yield Violation("hypervolume", f"{stated[:2]} instead of {(volume, bound)}")
    tier = TierValue(
        name="hypervolume",
        sense="max",
        objective=front.objective,
        bound=front.bound,
        gap=front.gap,
    )
    if front.tiers != (tier,):
        yield Violation("hypervolume", "the certificate differs from the summary")


def _volume(values: list[Vector], reference: Vector) -> int:
    """Volume between the points and the reference, slice by slice of the last criterion."""
    inside = sorted(
        {value for value in values if all(a < b for a, b in zip(value, reference, strict=True))},
        key=lambda value: value[-1],
    )
    if len(reference) == 1:
        return reference[0] - inside[0][0] if inside else 0
    total = 0
    for number, value in enumerate(inside):
        top = inside[number + 1][-1] if number + 1 < len(inside) else reference[-1]
        if top > value[-1]:
            slab = [entry[:-1] for entry in inside[: number + 1]]
            total += (top - value[-1]) * _volume(slab, reference[:-1])
    return total
