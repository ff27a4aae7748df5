"""Pods that belong together: gangs of the coscheduling plug-in, Volcano, Kueue and Workloads."""

from __future__ import annotations

from collections.abc import Iterator

from scheduling.kubernetes.objects import Entry, Objects
from scheduling.models.placement.problem import Gang

_LABELS = ("scheduling.x-k8s.io/pod-group", "kueue.x-k8s.io/pod-group-name")
_ANNOTATIONS = ("scheduling.k8s.io/group-name",)
_TOTAL = "kueue.x-k8s.io/pod-group-total-count"
_TOPOLOGY = "kueue.x-k8s.io/podset-required-topology"


class Groups:
    """The gangs of a cluster; a gang without an object of its own is placed as a whole."""

    def __init__(self, objects: Objects) -> None:
        self._least: dict[str, int | None] = {}
        self._found: dict[str, Gang] = {}
        for entry in objects.of("PodGroup"):
            self._least[entry.full_name] = _positive(entry.inner("spec").number("minMember", 0))
        for entry in objects.of("Workload"):
            for group in entry.inner("spec").entries("podGroups"):
                policy = group.inner("policy")
                name = f"{entry.full_name}/{group.text('name', '')}"
                # Without the policy the pods of a group need not be placed together.
                least = policy.inner("gang").number("minCount", 0) if "gang" in policy else 1
                self._least[name] = _positive(least)

    def of(self, pod: Entry) -> str | None:
        """Return the name of a pod's gang."""
        name = self._name(pod)
        if name is not None and name not in self._found:
            annotations = pod.meta.texts("annotations")
            least = self._least.get(name, _count(pod, annotations))
            topology = annotations.get(_TOPOLOGY) or None
            with pod.building():
                self._found[name] = Gang(id=name, least=least, topology=topology)
        return name

    def gangs(self) -> Iterator[Gang]:
        """Yield the gangs of the pods that were asked about."""
        yield from self._found.values()

    def _name(self, pod: Entry) -> str | None:
        labels, annotations = pod.meta.texts("labels"), pod.meta.texts("annotations")
        named = [labels.get(key) for key in _LABELS]
        named += [annotations.get(key) for key in _ANNOTATIONS]
        workload = pod.inner("spec").inner("workloadRef")
        if "name" in workload:
            named.append(f"{workload.text('name')}/{workload.text('podGroup', '')}")
        found = next(filter(None, named), None)
        return None if found is None else f"{pod.home}/{found}"


def _count(pod: Entry, annotations: dict[str, str]) -> int | None:
    """Return the number of pods that a group of Kueue says it has."""
    text = annotations.get(_TOTAL)
    if text is None:
        return None
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        place = f"{pod.place}.metadata.annotations.{_TOTAL}"
        pod.report(place, text, "a whole number")
        return None
    return _positive(int(text))


def _positive(number: int) -> int | None:
    return number if number > 0 else None
