"""The part of the space of criteria that a Pareto front may still have points in.

A box ``[low, high)`` holds vectors that no known point dominates. Boxes are disjoint, and every
vector that some solution reaches is dominated by (or equal to) a known point or lies in a box. So
the points and the lower corners of the boxes together are a set of lower bounds.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

Vector = tuple[int, ...]

OPEN = 2**60
"""Stands for no upper end."""


@dataclass(frozen=True, slots=True)
class Box:
    """Vectors ``x`` with ``low <= x < high``; ``tries`` counts the searches that left it open."""

    low: Vector
    high: Vector
    tries: int = 0

    @property
    def empty(self) -> bool:
        """Whether no vector is left."""
        return any(a >= b for a, b in zip(self.low, self.high, strict=True))

    def raised(self, axis: int, value: int) -> Box:
        """Return the box without what lies below a value on one axis."""
        return replace(self, low=_put(self.low, axis, max(self.low[axis], value)))

    def lowered(self, axis: int, value: int) -> Box:
        """Return the box without what lies at or above a value on one axis."""
        return replace(self, high=_put(self.high, axis, min(self.high[axis], value)))

    def within(self, caps: Sequence[int]) -> bool:
        """Whether all its vectors respect caps."""
        return all(high <= cap + 1 for high, cap in zip(self.high, caps, strict=True))


class Space:
    """The boxes that are left, and the points that have been found.

    Parameters
    ----------
    floor
        A lower bound on each criterion.
    """

    def __init__(self, floor: Vector) -> None:
        self.boxes = [Box(floor, (OPEN,) * len(floor))]
        self.points: list[Vector] = []

    def insert(self, point: Vector) -> None:
        """Take up a point, unless a known one dominates it or equals it.

        What it dominates is cut out of every box; of the rest, part j lies below it on axis j and
        not below it on the axes before.
        """
        if any(dominates(known, point) for known in self.points):
            return
        self.points = [known for known in self.points if not dominates(point, known)]
        self.points.append(point)
        left: list[Box] = []
        for box in self.boxes:
            if any(value >= high for value, high in zip(point, box.high, strict=True)):
                left.append(box)
                continue
            rest = box
            for axis, value in enumerate(point):
                left.append(replace(rest.lowered(axis, value), tries=0))
                rest = rest.raised(axis, value)
        self._keep(left)

    def divide(self, box: Box, axis: int, value: int) -> None:
        """Split a box in two: at most ``value`` on one axis, and above."""
        self._keep(
            [
                *(other for other in self.boxes if other is not box),
                box.lowered(axis, value + 1),
                box.raised(axis, value + 1),
            ]
        )

    def prove(self, caps: Sequence[int], axis: int, bound: int) -> None:
        """Use that no solution within ``caps`` lies below ``bound`` on an axis."""
        self._change(lambda box: box.raised(axis, bound) if box.within(caps) else box)

    def close(self, caps: Sequence[int]) -> None:
        """Use that no solution lies within ``caps``."""
        self._keep([box for box in self.boxes if not box.within(caps)])

    def tried(self, caps: Sequence[int]) -> None:
        """Count a search that settled nothing within ``caps``."""
        self._change(lambda box: replace(box, tries=box.tries + 1) if box.within(caps) else box)

    def least(self, caps: Sequence[int], axis: int) -> int | None:
        """Lower bound on an axis of all solutions within ``caps``; ``None`` if there are none."""
        corners = (low for low in self.lower() if dominates(low, tuple(caps)))
        return min((low[axis] for low in corners), default=None)

    def lower(self) -> list[Vector]:
        """Lower bounds: the least ones among points and corners, in order."""
        corners = sorted({*self.points, *(box.low for box in self.boxes)})
        found: list[Vector] = []
        for corner in corners:
            if not any(dominates(known, corner) for known in found):
                found.append(corner)
        return found

    def _change(self, change: Callable[[Box], Box]) -> None:
        self._keep([change(box) for box in self.boxes])

    def _keep(self, boxes: list[Box]) -> None:
        self.boxes = [box for box in boxes if not box.empty]


def dominates(one: Vector, other: Vector) -> bool:
    """Whether a vector is nowhere larger than another one."""
    return all(a <= b for a, b in zip(one, other, strict=True))


def hypervolume(points: Sequence[Vector], reference: Vector) -> int:
    """Volume that points dominate below a reference.

    Point by point, what each one adds to those after it (While, Bradstreet and Barone, "A fast way
    of calculating exact hypervolumes", 2012).
    """
    total = 0
    rest = [p for p in points if all(a < b for a, b in zip(p, reference, strict=True))]
    while rest:
        point, *rest = rest
        volume = 1
        for value, limit in zip(point, reference, strict=True):
            volume *= limit - value
        limited = {tuple(map(max, point, other)) for other in rest}
        kept = [p for p in limited if not any(q != p and dominates(q, p) for q in limited)]
        total += volume - (hypervolume(kept, reference) if kept else 0)
    return total


def _put(vector: Vector, axis: int, value: int) -> Vector:
    return (*vector[:axis], value, *vector[axis + 1 :])
