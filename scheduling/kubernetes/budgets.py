"""Disruption budgets of a cluster."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from fractions import Fraction

from scheduling.kubernetes import pods
from scheduling.kubernetes.fields import Fields
from scheduling.kubernetes.objects import Entry, Objects
from scheduling.models.placement.eligibility import selects
from scheduling.models.placement.problem import Budget, Item


def read_budgets(objects: Objects, items: Sequence[Item]) -> Iterator[Budget]:
    """Yield the disruption budgets; one without a selector means no pods.

    The status says how many disruptions are allowed. Where it is missing they follow from the
    spec: running pods less ``minAvailable``, or less all pods but ``maxUnavailable``; percentages
    are of all pods that the budget means, rounded up.
    """
    by_space: dict[str, list[Item]] = {}
    for item in items:
        by_space.setdefault(item.namespace, []).append(item)
    for entry in objects.of("PodDisruptionBudget"):
        if "selector" in entry.inner("spec"):
            with entry.building():
                yield _budget(entry, by_space.get(entry.home, ()), len(items))


def _budget(entry: Entry, items: Sequence[Item], total: int) -> Budget:
    spec, status = entry.inner("spec"), entry.inner("status")
    wanted = pods.selector(spec.inner("selector"))
    if "disruptionsAllowed" in status:
        allowed = status.number("disruptionsAllowed", 0)
    else:
        allowed = _allowed(spec, [item for item in items if selects(wanted, item.labels)])
    allowed = max(0, min(allowed, total))
    return Budget(id=entry.full_name, namespace=entry.home, selector=wanted, allowed=allowed)


def _allowed(spec: Fields, meant: Sequence[Item]) -> int:
    healthy, expected = sum(item.node is not None for item in meant), len(meant)
    if "maxUnavailable" in spec:
        return healthy - (expected - _share(spec, "maxUnavailable", expected))
    return healthy - _share(spec, "minAvailable", expected)


def _share(spec: Fields, name: str, total: int) -> int:
    """Return a whole number, or a percentage of a total, rounded up; 0 where it is missing."""
    value = spec.value(name)
    if not isinstance(value, str):
        return spec.number(name, 0)
    digits = value.removesuffix("%")
    if digits == value or not (digits.isascii() and digits.isdigit()) or len(digits) > 4:
        spec.report(spec.at(name), value, "a whole number or 50%")
        return 0
    exact = Fraction(int(digits) * total, 100)
    return -(-exact.numerator // exact.denominator)


def shared(budgets: Iterable[Budget], items: Sequence[Item]) -> set[str]:
    """Names of running items that several budgets mean: the eviction API refuses to evict them."""
    by_space: dict[str, list[Budget]] = {}
    for budget in budgets:
        by_space.setdefault(budget.namespace, []).append(budget)
    known: dict[tuple[str, tuple[tuple[str, str], ...]], bool] = {}
    found = set()
    for item in items:
        nearby = by_space.get(item.namespace, ())
        if item.node is None or len(nearby) < 2:
            continue
        key = item.namespace, tuple(sorted(item.labels.items()))
        if key not in known:
            known[key] = sum(selects(budget.selector, item.labels) for budget in nearby) > 1
        if known[key]:
            found.add(item.id)
    return found
