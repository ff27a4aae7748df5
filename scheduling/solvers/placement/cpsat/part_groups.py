"""Groups of equal parts of a node, of which some items take a whole one each."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from scheduling.models.placement.arrays import Ints, PlacementArrays


@dataclass(eq=False, slots=True)
class Group:
    """Equal parts of one node: of one kind and capacity, in the same domains.

    Attributes
    ----------
    parts
        The parts.
    capacity
        What each has, (Q,).
    least
        Least that anything on the node takes of them, (Q,).
    """

    parts: list[int]
    capacity: Ints
    least: Ints = field(repr=False)

    def is_whole(self, need: Ints) -> bool:
        """Tell whether nothing else fits beside a need on a part, and there are several parts."""
        alone = (need > 0) & (need + self.least > self.capacity)
        return len(self.parts) > 1 and bool(alone.any())


class Groups:
    """Groups of the parts of nodes, found when a node is first asked about.

    Parameters
    ----------
    arrays
        The problem.
    single
        Whether each part is a group of its own, for objectives that look at single parts.
    """

    def __init__(self, arrays: PlacementArrays, *, single: bool) -> None:
        self._arrays, self._single = arrays, single
        self._of: dict[int, Group] = {}
        parts = arrays.parts
        self._classes = np.array([k for k, shares in enumerate(parts.shares) if shares], np.int64)
        self._domains = list({id(d): d for d in parts.domains}.values())
        self._by_node: dict[int, list[int]] = {}
        for part, node in enumerate(parts.node.tolist()):
            self._by_node.setdefault(node, []).append(part)

    def of(self, part: int) -> Group:
        """Return the group of a part."""
        if part not in self._of:
            self._find(int(self._arrays.parts.node[part]))
        return self._of[part]

    def _find(self, node: int) -> None:
        parts = self._arrays.parts
        least = self._least(node)
        found: dict[object, Group] = {}
        for part in self._by_node[node]:
            kind, capacity = parts.kind[part], parts.capacity[part]
            same = (parts.stated[part].tobytes(), capacity.tobytes())
            inside = tuple(int(domains.of[part]) for domains in self._domains)
            key = part if self._single else (kind, same, inside)
            group = found.setdefault(key, Group([], capacity, least.get(kind, capacity)))
            group.parts.append(part)
            self._of[part] = group

    def _least(self, node: int) -> dict[str, Ints]:
        """Least that items which stand or may stand on a node take of parts, by kind."""
        arrays = self._arrays
        here = arrays.usable[:, node]
        found: dict[str, Ints] = {}
        for k in self._classes[here[self._classes]].tolist():
            for share in arrays.parts.shares[k]:
                need = share.need.min(axis=0)
                found[share.kind] = np.minimum(found.get(share.kind, need), need)
        return found
