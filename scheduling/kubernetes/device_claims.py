"""Dynamic resource allocation: what allocated claims say about where a pod may stand."""

from __future__ import annotations

from collections.abc import Iterator

from scheduling.kubernetes import pods
from scheduling.kubernetes.objects import Entry, Objects
from scheduling.models.placement.rules import NodeTerm

UNALLOCATED = "left out, dynamic resource claims that are not allocated yet are not supported"


class DeviceClaims:
    """The resource claims of a cluster."""

    def __init__(self, objects: Objects) -> None:
        self._claims = {entry.full_name: entry for entry in objects.of("ResourceClaim")}

    def open(self, pod: Entry) -> bool:
        """Tell whether a pod has a claim that is not allocated."""
        return any(claim is None or not self._allocated(claim) for claim in self._of(pod))

    def terms(self, pod: Entry) -> Iterator[tuple[NodeTerm, ...]]:
        """Yield the terms of each allocated claim's nodes."""
        for claim in self._of(pod):
            if claim is not None and claim in self._claims:
                allocation = self._claims[claim].inner("status").inner("allocation")
                terms = pods.node_terms(allocation.inner("nodeSelector"))
                if terms:
                    yield terms

    def _allocated(self, claim: str) -> bool:
        entry = self._claims.get(claim)
        return entry is not None and "allocation" in entry.inner("status")

    def _of(self, pod: Entry) -> Iterator[str | None]:
        """Yield the claims' names; ``None`` for one that was not made from its template yet."""
        made = {
            entry.text("name"): entry
            for entry in pod.inner("status").entries("resourceClaimStatuses")
        }
        for entry in pod.inner("spec").entries("resourceClaims"):
            name = entry.text("resourceClaimName", "")
            status = made.get(entry.text("name", ""))
            if not name and status is not None:
                if "resourceClaimName" not in status:
                    continue  # The template asks for nothing.
                name = status.text("resourceClaimName")
            yield f"{pod.home}/{name}" if name else None
