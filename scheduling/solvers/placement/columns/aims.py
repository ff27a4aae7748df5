"""What is minimised over patterns, and what their sums must keep to."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scheduling.models.placement.arrays import Ints, PlacementArrays
from scheduling.solvers.placement.columns.hosts import Group, Shape

CELL_GOALS = ("fragments", "nodes", "cost")
"""Goals that are sums over nodes of what stands there."""

GOALS = (*CELL_GOALS, "moves", "evictions")
"""Goals that patterns know."""


@dataclass(frozen=True, eq=False)
class Aim:
    """A tier's objective: ``offset + step * (sum of the scores of the patterns)``.

    Attributes
    ----------
    goal : the goal.
    offset, step : from scores to values.
    gone : (K,) score of an item of each class that leaves its place.
    """

    goal: str
    offset: int
    step: int
    gone: Ints

    def cells(self, shape: Shape) -> Ints:
        """Score of each cell of a shape."""
        if self.goal == "fragments" and self.step > 1:
            return -shape.slots
        return cell_values(self.goal, shape)


def cell_values(goal: str, shape: Shape) -> Ints:
    """Return what a goal counts for each cell of a shape."""
    if goal == "fragments":
        return shape.fragments
    used = (np.arange(shape.cells) > 0).astype(np.int64)
    if goal == "nodes":
        return used
    return used * (shape.cost if goal == "cost" else 0)


def aim_of(arrays: PlacementArrays, goal: str) -> Aim:
    """Return the objective of a tier.

    Where all that is free stays the same in sum, fragments differ by whole units only: the score is
    then the number of units that are free in one piece, negative.
    """
    gone = arrays.move_cost if goal == "moves" else np.zeros(arrays.n_classes, np.int64)
    free = _constant_free(arrays) if goal == "fragments" else None
    if free is None or arrays.fragment is None:
        return Aim(goal, 0, 1, gone)
    return Aim(goal, free, arrays.fragment.unit, gone)


def _constant_free(arrays: PlacementArrays) -> int | None:
    """Return what is free of the measured resource in all; ``None`` where that may change."""
    measure, size = arrays.fragment, arrays.size()
    if measure is None or measure.unit == 1:
        return None
    if measure.parts is None:
        used = arrays.counts(arrays.now).T @ measure.need
        total = int(measure.need @ size)
    else:
        parts, column = arrays.parts, measure.column
        used = arrays.taken(arrays.now)[measure.parts, column]
        kinds = {parts.kind[part] for part in measure.parts.tolist()}
        total = 0
        for count, shares in zip(size.tolist(), parts.shares, strict=True):
            for share in shares:
                if share.kind in kinds:
                    need = share.need[:, column]
                    if need.min() < need.max():
                        return None
                    total += count * share.count * int(need[0])
    if np.any(used > measure.capacity):
        return None
    return int(measure.capacity.sum()) - total


@dataclass(frozen=True, eq=False)
class Limit:
    """``sum over patterns of (gone @ weight + value of the cell) <= most``.

    Attributes
    ----------
    weight : (K,) of an item of each class that leaves its place.
    goal : goal that cells count for; empty: none.
    most : the limit.
    """

    weight: Ints
    goal: str
    most: int


def limits_of(arrays: PlacementArrays, caps: tuple[int, ...]) -> list[Limit]:
    """Return the limit on moves, disruption budgets, and values of the goals before this tier."""
    none = np.zeros(arrays.n_classes, np.int64)
    found = []
    if arrays.max_moves is not None:
        found.append(Limit(np.ones_like(none), "", arrays.max_moves))
    for classes, allowed in arrays.budgets:
        weight = none.copy()
        weight[list(classes)] = 1
        found.append(Limit(weight, "", allowed))
    for goal, cap in zip(arrays.goals, caps[arrays.n_priorities :], strict=False):
        if goal == "moves":
            found.append(Limit(arrays.move_cost, "", cap))
        elif goal in CELL_GOALS:
            found.append(Limit(none, goal, cap))
    return found


@dataclass(frozen=True, eq=False)
class Pattern:
    """A number of items for each way of a group's shape.

    Attributes
    ----------
    group : index of the group.
    items : (W,) the numbers.
    count : (K,) items of each class.
    gone : (K,) items of each class that leave their place.
    score : of the aim.
    spent : of each limit.
    """

    group: int
    items: Ints
    count: Ints
    gone: Ints
    score: int
    spent: Ints


class Evaluation:
    """Turns numbers of items on nodes of a group into patterns."""

    def __init__(
        self, arrays: PlacementArrays, groups: list[Group], aim: Aim, limits: list[Limit]
    ) -> None:
        self.groups, self.aim, self.limits = groups, aim, limits
        self._classes = arrays.n_classes
        shapes = {id(group.shape): group.shape for group in groups}
        self._scores = {key: aim.cells(shape) for key, shape in shapes.items()}
        self._spent = {
            (key, limit.goal): cell_values(limit.goal, shape)
            for key, shape in shapes.items()
            for limit in limits
            if limit.goal
        }

    def scores(self, shape: Shape) -> Ints:
        """Score of each cell."""
        return self._scores[id(shape)]

    def spent(self, shape: Shape, limit: Limit) -> Ints:
        """Return what each cell spends of a limit."""
        return self._spent[id(shape), limit.goal]

    def pattern(self, group: int, items: Ints) -> Pattern:
        """Evaluate numbers of items by way."""
        entry = self.groups[group]
        shape = entry.shape
        cell = int(items @ shape.offset)
        count, gone = (np.zeros(self._classes, np.int64) for _ in range(2))
        np.add.at(count, shape.of_class, items)
        np.add.at(gone, shape.of_class, np.maximum(entry.now - items, 0))
        spent = [
            int(limit.weight @ gone) + (int(self.spent(shape, limit)[cell]) if limit.goal else 0)
            for limit in self.limits
        ]
        score = int(self.scores(shape)[cell]) + int(self.aim.gone @ gone)
        return Pattern(group, items.copy(), count, gone, score, np.array(spent, np.int64))


@dataclass(frozen=True, eq=False)
class Prices:
    """Duals: of groups, of classes, and of limits (not negative)."""

    group: NDArray[np.float64]
    item: NDArray[np.float64]
    limit: NDArray[np.float64]

    def reduced(self, pattern: Pattern) -> float:
        """Reduced cost of a pattern."""
        return float(
            pattern.score
            - self.group[pattern.group]
            - self.item @ pattern.count
            + self.limit @ pattern.spent
        )
