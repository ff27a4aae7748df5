"""Whole numbers of fillings: what the linear program is sure of is fixed, the rest solved again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from scheduling.models.placement.arrays import Ints
from scheduling.solvers.placement.filling.master import ANYWHERE, Columns, Floats, Master
from scheduling.solvers.placement.filling.pricing import Pricing

_TOLERANCE = 1e-6
_SURE = 0.5
_SHARE = 0.1
"""Share of the nodes that are left that are fixed in a round beyond whole numbers."""

_ROUNDS = 6
_VARIANTS = 5
_GAIN = 0.1
"""Fillings are drawn for what is left while a round makes the program better by that much."""


@dataclass(frozen=True, eq=False)
class Choice:
    """Fillings chosen for nodes, one a row: items, (C, K), and group, (C,)."""

    items: Ints
    group: Ints


def dive(
    master: Master, pricing: Pricing, left: Callable[[], float | None], over: Callable[[], bool]
) -> Choice:
    """Choose a filling for each node, close to the program's solution.

    Whole parts are fixed, then the largest fractions; between rounds the program is solved for what
    is left, with fillings drawn for that.

    Parameters
    ----------
    master, pricing
        The program, solved, and the source of fillings.
    left
        Seconds left, ``None``: no limit.
    over
        Tells when to stop; nodes without a filling by then get none.
    """
    remaining, program = _Left.of(master), master
    found: list[tuple[int, Ints]] = []
    while remaining.count.any() and not over():
        chosen = remaining.fix(program.columns, program.x)
        found += [(int(program.columns.group[c]), program.columns.items[c]) for c in chosen]
        if program is master:
            program = master.rest(remaining.count, remaining.size, remaining.kinds)
            remaining = _Left.of(program)
        if not chosen or not _settle(program, pricing, remaining, left, over):
            break
    classes = len(master.size)
    items = np.array([row for _, row in found], np.int64).reshape(-1, classes)
    return Choice(items, np.array([group for group, _ in found], np.int64))


@dataclass(frozen=True, eq=False)
class _Left:
    """What is not decided: nodes of each group, items of each class, nodes of each kind."""

    count: Ints
    size: Ints
    kinds: Ints

    @classmethod
    def of(cls, master: Master) -> _Left:
        """Begin with everything that a program decides."""
        return cls(master.count.copy(), master.size.copy(), master.kinds.count.copy())

    def restrict(self, master: Master) -> None:
        """Leave so much to the program."""
        master.restrict(self.count, self.size, self.kinds)

    def fix(self, columns: Columns, x: Floats) -> list[int]:
        """Fix whole parts and the largest fractions, at least one filling if any fits."""
        whole = np.floor(x + _TOLERANCE).astype(np.int64)
        rest = x - whole
        order = np.argsort(-rest, kind="stable")
        order = order[rest[order] > _TOLERANCE]
        found: list[int] = []
        for column in np.flatnonzero(whole).tolist():
            found += [column] * self._take(columns, column, int(whole[column]))
        sure = order[rest[order] > _SURE][: max(1, int(_SHARE * self.count.sum()))]
        for column in sure.tolist():
            found += [column] * self._take(columns, column, 1)
        for column in order.tolist():
            if found:
                break
            found += [column] * self._take(columns, column, 1)
        return found

    def _take(self, columns: Columns, column: int, times: int) -> int:
        """Fix a filling as often as asked, as far as nodes and items are left."""
        group, home, items = columns.group[column], columns.home[column], columns.items[column]
        there = np.flatnonzero(items)
        if there.size:
            times = min(times, int(np.min(self.size[there] // items[there])))
        times = min(times, int(self.count[group]))
        if home != ANYWHERE:
            times = min(times, int(self.kinds[home]))
            self.kinds[home] -= times
        self.count[group] -= times
        self.size[:] -= times * items
        return times


def _settle(
    master: Master,
    pricing: Pricing,
    remaining: _Left,
    left: Callable[[], float | None],
    over: Callable[[], bool],
) -> bool:
    """Solve the program for what is left; False when time ran out."""
    if not remaining.count.any():
        return True
    remaining.restrict(master)
    before = np.inf
    for _ in range(_ROUNDS):
        prices = None if over() else master.solve(left())
        if prices is None:
            return False
        if before - master.value < _GAIN:
            return True
        before = master.value
        groups = np.flatnonzero(remaining.count)
        items, group = pricing.of_groups(prices, groups, remaining.size, _VARIANTS)
        if not master.add(master.anywhere(items, group), prices):
            return True
    return master.solve(left()) is not None
