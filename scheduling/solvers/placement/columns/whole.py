"""Whole numbers with CP-SAT: the choice among known patterns, and items that flow between nodes."""

from __future__ import annotations

from typing import Any

import numpy as np
from ortools.sat.python import cp_model

from scheduling.models.placement.arrays import Ints
from scheduling.solvers.placement.columns.aims import Evaluation
from scheduling.solvers.placement.columns.hosts import Group, Shape
from scheduling.solvers.placement.columns.master import Master, tables


def choice_model(master: Master, least: int) -> cp_model.CpModel:
    """Return the choice among the patterns of a master; variables are in the patterns' order.

    Parameters
    ----------
    master
        The patterns.
    least
        Bound of the sum of scores.
    """
    model = cp_model.CpModel()
    patterns = tuple(master.patterns)
    group = np.array([pattern.group for pattern in patterns])
    number = [model.new_int_var(0, int(master.nodes[g]), "") for g in group]
    for index, count in enumerate(master.nodes.tolist()):
        model.add(_dot((group == index).astype(np.int64), number) == count)
    items, spent = tables(patterns)
    for row, size in zip(items, master.size.tolist(), strict=True):
        model.add(_dot(row, number) == size)
    for row, limit in zip(spent, master.evaluation.limits, strict=True):
        model.add(_dot(row, number) <= limit.most)
    score = _dot(np.array([pattern.score for pattern in patterns]), number)
    model.add(score >= least)
    model.minimize(score - least)
    return model


_LARGEST = 2**50
"""Sums of scores stay below this."""


class Flow:
    """All nodes with a number for each way: any placement, not only known patterns.

    Minimised is the sum of scores above the least.

    Parameters
    ----------
    evaluation
        Groups, aim and limits.
    size
        Number of items of each class.
    least
        Bound of the sum of scores.
    unit
        Unit of the goal ``fragments``.
    """

    def __init__(self, evaluation: Evaluation, size: Ints, least: int, unit: int) -> None:
        self.model = cp_model.CpModel()
        self._evaluation, self._unit = evaluation, unit
        self._known: dict[tuple[int, str], Any] = {}
        self.nodes: list[tuple[int, list[cp_model.IntVar]]] = []
        arriving: list[list[cp_model.IntVar]] = [[] for _ in size]
        leaving: list[list[cp_model.IntVar]] = [[] for _ in size]
        for index, group in enumerate(evaluation.groups):
            for _ in group.nodes:
                self._add(index, group, size, arriving, leaving)
        for stay, count in zip(arriving, size.tolist(), strict=True):
            self.model.add(cp_model.LinearExpr.sum(stay) == count)
        gone = [cp_model.LinearExpr.sum(left) for left in leaving]
        for limit in evaluation.limits:
            self.model.add(self._sum(limit.weight, gone, limit.goal) <= limit.most)
        aim = evaluation.aim
        score = self._sum(aim.gone, gone, "slots" if aim.step > 1 else aim.goal)
        # From 0 on: CP-SAT states 0 as its bound until it has one.
        above = self.model.new_int_var(0, _LARGEST, "above")
        self.model.add(above == score - least)
        self.model.minimize(above)

    def _add(
        self,
        index: int,
        group: Group,
        size: Ints,
        arriving: list[list[cp_model.IntVar]],
        leaving: list[list[cp_model.IntVar]],
    ) -> None:
        """Add one node."""
        model, shape = self.model, group.shape
        number = []
        for way, k in enumerate(shape.of_class.tolist()):
            now = int(group.now[way])
            most = int(size[k]) if shape.open_to[way] else now
            here = model.new_int_var(int(group.held[way]), most, "")
            model.add_hint(here, now)
            if now:
                left = model.new_int_var(0, now, "")
                model.add(left >= now - here)
                leaving[k].append(left)
            arriving[k].append(here)
            number.append(here)
        for dim, values in enumerate(shape.sizes.tolist()):
            model.add(_dot(shape.need[:, dim], number) <= values - 1)
        self.nodes.append((index, number))

    def _sum(self, weight: Ints, gone: list[Any], goal: str) -> Any:
        """Sum up what leaves and what a goal counts on the nodes."""
        terms = [int(w) * left for w, left in zip(weight, gone, strict=True) if w]
        if goal and goal != "moves":
            terms += [self._counted(row, goal) for row in range(len(self.nodes))]
        return cp_model.LinearExpr.sum(terms)

    def _counted(self, row: int, goal: str) -> Any:
        """Return what a goal counts on a node."""
        index, number = self.nodes[row]
        shape = self._evaluation.groups[index].shape
        if goal in ("fragments", "slots"):
            if (row, "slots") not in self._known:
                pieces, units = self._free(shape, number)
                self._known[row, "fragments"], self._known[row, "slots"] = pieces, -units
        elif (row, goal) not in self._known:
            used = self.model.new_bool_var("")
            most = int(shape.sizes.sum())
            self.model.add(cp_model.LinearExpr.sum(number) <= most * used)
            self._known[row, goal] = used * (shape.cost if goal == "cost" else 1)
        return self._known[row, goal]

    def _free(self, shape: Shape, number: list[cp_model.IntVar]) -> tuple[Any, Any]:
        """Return what is free in pieces below the unit, and in whole units."""
        model, pieces, units = self.model, [], []
        for dim, capacity in shape.measured:
            unit = model.new_int_var(0, capacity // self._unit, "")
            piece = model.new_int_var(0, min(capacity, self._unit - 1), "")
            used: Any = 0 if dim < 0 else int(shape.scale[dim]) * _dot(shape.need[:, dim], number)
            free = capacity - used
            if dim >= 0 and int(shape.scale[dim]) * int(shape.sizes[dim] - 1) > capacity:
                free = model.new_int_var(0, capacity, "")
                model.add_max_equality(free, [0, capacity - used])
            model.add(free == self._unit * unit + piece)
            pieces.append(piece)
            units.append(unit)
        return cp_model.LinearExpr.sum(pieces), cp_model.LinearExpr.sum(units)

    def patterns(self, values: list[int]) -> list[tuple[int, Ints]]:
        """Return the group and the numbers of items by way, for each node."""
        return [
            (index, np.array([values[here.index] for here in number], np.int64))
            for index, number in self.nodes
        ]


def _dot(values: Ints, variables: list[cp_model.IntVar]) -> Any:
    chosen = np.flatnonzero(values)
    return cp_model.LinearExpr.weighted_sum(
        [variables[c] for c in chosen.tolist()], values[chosen].tolist()
    )
