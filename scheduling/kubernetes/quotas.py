"""Resource quotas of a cluster, and the pods that their scopes mean."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from scheduling.kubernetes.fields import Fields
from scheduling.kubernetes.objects import Entry, Objects
from scheduling.models.placement.parts import MAX_TOTAL
from scheduling.models.placement.problem import Item, Quota

_SCOPES = (
    "Terminating",
    "NotTerminating",
    "BestEffort",
    "NotBestEffort",
    "PriorityClass",
    "CrossNamespacePodAffinity",
)
_OPERATORS = ("In", "NotIn", "Exists", "DoesNotExist")
_REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"
_PREFERRED = "preferredDuringSchedulingIgnoredDuringExecution"


def read_quotas(objects: Objects, items: Sequence[Item]) -> Iterator[Quota]:
    """Yield the quotas on requests and numbers of pods.

    Quotas with scopes name the pods that all their scopes mean.

    Parameters
    ----------
    objects
        The cluster.
    items
        Its pods as items.
    """
    pods = {entry.full_name: entry for entry in objects.of("Pod")}
    for entry in objects.of("ResourceQuota"):
        spec = entry.inner("spec")
        hard = spec.inner("hard")
        limits = {}
        for name in hard.all():
            if not name.startswith("limits."):
                resource = name.removeprefix("requests.")
                # What all pods together may ask for is no more.
                limit = min(hard.amount(name, resource), MAX_TOTAL)
                limits[resource.removeprefix("count/")] = limit
        scopes = list(_scopes(spec))
        members = None
        if scopes:
            near = (item for item in items if item.namespace == entry.home)
            members = tuple(
                item.id
                for item in near
                if all(_means(scope, pods[item.id], item) for scope in scopes)
            )
        with entry.building():
            yield Quota(id=entry.full_name, namespace=entry.home, limits=limits, members=members)


_Scope = tuple[str, str, tuple[str, ...]]


def _scopes(spec: Fields) -> Iterator[_Scope]:
    """Yield scope, operator and values."""
    for index, name in enumerate(spec.words("scopes")):
        if name not in _SCOPES:
            expected = f"one of {', '.join(_SCOPES)}"
            spec.report(spec.at(f"scopes[{index}]"), name, expected)
        yield name, "Exists", ()
    for entry in spec.inner("scopeSelector").entries("matchExpressions"):
        name = entry.choice("scopeName", _SCOPES, "")
        yield name, entry.choice("operator", _OPERATORS, "Exists"), entry.words("values")


def _means(scope: _Scope, pod: Entry, item: Item) -> bool:
    name, operator, values = scope
    spec = pod.inner("spec")
    if name == "PriorityClass":
        return _matches(spec.text("priorityClassName", ""), operator, values)
    best_effort = not (item.demands.get("cpu") or item.demands.get("memory"))
    ends = "activeDeadlineSeconds" in spec
    holds = {
        "BestEffort": best_effort,
        "NotBestEffort": not best_effort,
        "Terminating": ends,
        "NotTerminating": not ends,
        "CrossNamespacePodAffinity": _crosses(spec),
    }
    return holds.get(name, False)


def _matches(value: str, operator: str, values: tuple[str, ...]) -> bool:
    if operator in ("Exists", "DoesNotExist"):
        return bool(value) == (operator == "Exists")
    return (value in values) == (operator == "In")


def _crosses(spec: Fields) -> bool:
    affinity = spec.inner("affinity")
    for part in (affinity.inner("podAffinity"), affinity.inner("podAntiAffinity")):
        terms = list(part.entries(_REQUIRED))
        terms += [entry.inner("podAffinityTerm") for entry in part.entries(_PREFERRED)]
        if any("namespaceSelector" in term or term.words("namespaces") for term in terms):
            return True
    return False
