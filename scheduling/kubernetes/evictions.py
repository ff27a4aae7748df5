"""Steps as a cluster can take them: what is evicted, in which order, and where it goes next."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from scheduling.models.placement.problem import PlacementProblem
from scheduling.models.placement.steps import Step


@dataclass(frozen=True, slots=True)
class Eviction:
    """A running pod that leaves its node.

    Attributes
    ----------
    item
        The pod, ``namespace/name``.
    origin
        Its node.
    destination
        Where the pod that its controller makes in its place shall go; ``None``: nowhere.
    waits
        Whether the destination has room only after later evictions.
    reason
        As in the steps.
    """

    item: str
    origin: str
    destination: str | None
    waits: bool
    reason: str


def actions(steps: Sequence[Step]) -> Iterator[Eviction | Step]:
    """Yield what carries steps out, in their order: evictions, and starts of pending pods.

    The API knows no move: a pod is evicted, and its controller makes a new one, under a new name,
    that the scheduler places. A detour over a free slot would disturb a pod twice without being of
    use, as an evicted pod stands on no node meanwhile; so of several steps of one pod the first
    evicts it, and the last tells where it goes. Leaving earlier and arriving later than in the
    steps only leaves more room at each of them.
    """
    last: dict[str, Step] = {step.item: step for step in steps}
    evicted: set[str] = set()
    for step in steps:
        if step.item in evicted:
            continue
        if step.origin is None:
            yield step
            continue
        evicted.add(step.item)
        end = last[step.item]
        yield Eviction(
            item=step.item,
            origin=step.origin,
            destination=end.destination,
            waits=end is not step and end.destination is not None,
            reason=step.reason,
        )


def evictions(steps: Sequence[Step]) -> Iterator[Eviction]:
    """Yield the evictions among the actions, in their order."""
    return (action for action in actions(steps) if isinstance(action, Eviction))


def bare_pods(problem: PlacementProblem, steps: Sequence[Step]) -> tuple[str, ...]:
    """Return the pods that steps evict and that have no controller which would make them again."""
    owned = {item.id for item in problem.items if item.owner is not None}
    return tuple(entry.item for entry in evictions(steps) if entry.item not in owned)
