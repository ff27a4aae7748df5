"""Disruption budgets of a cluster."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction

from scheduling.kubernetes import pods
from scheduling.kubernetes.fields import Fields
from scheduling.kubernetes.objects import Entry, Objects
from scheduling.models.placement.eligibility import selects
from scheduling.models.placement.problem import Budget, Item

_KNOWN_POLICIES = ("", "IfHealthyBudget", "AlwaysAllow")


@dataclass(frozen=True, slots=True)
class Health:
    """Names of bound pods that are not ready, and of those whose containers have not started."""

    unready: frozenset[str] = frozenset()
    early: frozenset[str] = frozenset()


def health_of(objects: Objects) -> Health:
    """Return the health of pods in namespaces with budgets; one without conditions is ready."""
    spaces = {entry.home for entry in objects.of("PodDisruptionBudget")}
    unready, early = set(), set()
    for pod in objects.of("Pod") if spaces else ():
        if pod.home not in spaces or not pod.inner("spec").text("nodeName", ""):
            continue
        status = pod.inner("status")
        if status.text("phase", "") == "Pending":
            early.add(pod.full_name)
        states = (c.text("status", "") for c in status.entries("conditions") if _tells_ready(c))
        if next(states, "True") != "True":
            unready.add(pod.full_name)
    return Health(frozenset(unready), frozenset(early))


def _tells_ready(condition: Fields) -> bool:
    return condition.text("type", "") == "Ready"


def read_budgets(objects: Objects, items: Sequence[Item], health: Health) -> Iterator[Budget]:
    """Yield the disruption budgets; one without a selector means no pods.

    The status says how many disruptions are allowed. Where it is missing they follow from the
    spec: running pods that are ready less ``minAvailable``, or less all pods but
    ``maxUnavailable``; percentages are of all pods that the budget means, rounded up.

    Pods whose containers have not started are evicted whatever a budget says, and those that are
    not ready where the budget's ``unhealthyPodEvictionPolicy`` has it (Kubernetes, "Specifying a
    Disruption Budget for your Application").
    """
    by_space: dict[str, list[Item]] = {}
    for item in items:
        by_space.setdefault(item.namespace, []).append(item)
    for entry in objects.of("PodDisruptionBudget"):
        if "selector" in entry.inner("spec"):
            with entry.building():
                yield _budget(entry, by_space.get(entry.home, ()), len(items), health)


def _budget(entry: Entry, items: Sequence[Item], total: int, health: Health) -> Budget:
    spec, status = entry.inner("spec"), entry.inner("status")
    wanted = pods.selector(spec.inner("selector"))
    running = [item for item in items if item.node is not None and selects(wanted, item.labels)]
    if "disruptionsAllowed" in status:
        allowed = status.number("disruptionsAllowed", 0)
        healthy, desired = status.number("currentHealthy", 0), status.number("desiredHealthy", 0)
    else:
        meant = sum(selects(wanted, item.labels) for item in items)
        healthy = sum(not item.leaving and item.id not in health.unready for item in running)
        desired = _desired(spec, meant)
        allowed = healthy - desired
    policy = spec.text("unhealthyPodEvictionPolicy", "")
    enough = policy == "AlwaysAllow" or (policy in _KNOWN_POLICIES and healthy >= desired > 0)
    free = health.early | (health.unready if enough else frozenset())
    return Budget(
        id=entry.full_name,
        namespace=entry.home,
        selector=wanted,
        allowed=max(0, min(allowed, total)),
        exempt=tuple(item.id for item in running if item.id in free),
    )


def _desired(spec: Fields, expected: int) -> int:
    """Return how many of the pods that are expected have to be healthy."""
    if "maxUnavailable" in spec:
        return expected - _share(spec, "maxUnavailable", expected)
    return _share(spec, "minAvailable", expected)


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


def shared(budgets: Iterable[Budget], items: Sequence[Item], health: Health) -> set[str]:
    """Names of running items that several budgets mean: the eviction API refuses to evict them.

    Pods whose containers have not started are evicted without a look at budgets.
    """
    by_space: dict[str, list[Budget]] = {}
    for budget in budgets:
        by_space.setdefault(budget.namespace, []).append(budget)
    known: dict[tuple[str, tuple[tuple[str, str], ...]], bool] = {}
    found = set()
    for item in items:
        nearby = by_space.get(item.namespace, ())
        if item.node is None or len(nearby) < 2 or item.id in health.early:
            continue
        key = item.namespace, tuple(sorted(item.labels.items()))
        if key not in known:
            known[key] = sum(selects(budget.selector, item.labels) for budget in nearby) > 1
        if known[key]:
            found.add(item.id)
    return found
