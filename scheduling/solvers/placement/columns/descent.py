"""Descent by moves of up to three items that leave one node: a first answer within a moment."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import combinations_with_replacement

import numpy as np

from scheduling.models.placement.arrays import Flags, Ints
from scheduling.solvers.placement.columns.aims import Evaluation
from scheduling.solvers.placement.columns.hosts import Group, Shape

_NEVER = np.iinfo(np.int64).max // 16
_MOST = 3
"""Most items that leave a node together."""

_TRIES = 32
"""Most promising departures tried before the descent ends."""

Patterns = list[tuple[int, Ints]]
"""Group and numbers of items by way, of every node."""


@dataclass(frozen=True, eq=False)
class _Departures:
    """What may leave a node together: rows of ways, -1 beyond their number, and the change."""

    ways: Ints
    change: Ints


class Descent:
    """Nodes with what stands on each, and what departures and arrivals there would change.

    Again and again up to three items leave a node, each for the node where its arrival costs least,
    such that the score falls most for each item that moves. Departures of one item are the greedy
    HA of "Towards VM Rescheduling Optimization Through Deep Reinforcement Learning" (EuroSys 2025),
    here for any goal that is a sum over nodes; several together free what none of them frees alone.

    Parameters
    ----------
    evaluation
        Scores and limits of patterns.
    patterns
        What stands on each node; the limits hold for it.
    """

    def __init__(self, evaluation: Evaluation, patterns: Patterns) -> None:
        self._evaluation = evaluation
        self.patterns = [(group, items.copy()) for group, items in patterns]
        self._known: dict[tuple[int, bytes], _Departures] = {}
        widest = max((len(items) for _, items in patterns), default=0)
        shape = len(patterns), widest
        self._of_class = np.full(shape, -1, np.int64)
        for row, (group, items) in enumerate(patterns):
            self._of_class[row, : len(items)] = evaluation.groups[group].shape.of_class
        self._classes = int(self._of_class.max(initial=-1)) + 1
        self._arrive = np.full(shape, _NEVER)
        self._leave = [_Departures(np.zeros((0, _MOST), np.int64), np.zeros(0, np.int64))] * shape[
            0
        ]
        spent = [evaluation.pattern(group, items).spent for group, items in patterns]
        most = [limit.most for limit in evaluation.limits]
        self._spare = np.array(most, np.int64) - np.sum(spent, axis=0, dtype=np.int64)
        for row, (_, items) in enumerate(self.patterns):
            self._put(row, items)

    def run(self, over: Callable[[], bool]) -> bool:
        """Move until no move lowers the score; tell whether any was made.

        Parameters
        ----------
        over
            Asked before every move; True ends the descent.
        """
        moved = False
        while not over() and any(self._make(row, ways) for row, ways in self._promising()):
            moved = True
        return moved

    def _promising(self) -> Iterator[tuple[int, Ints]]:
        """Yield departures by what they and the best arrivals change for each item."""
        first, where, second = self._arrivals()
        change = np.concatenate([leave.change for leave in self._leave])
        ways = np.concatenate([leave.ways for leave in self._leave])
        rows = np.repeat(np.arange(len(self._leave)), [len(leave.change) for leave in self._leave])
        classes = np.where(ways >= 0, self._of_class[rows[:, None], ways], self._classes)
        own = where[classes] == rows[:, None]
        total = change + np.where(own, second[classes], first[classes]).sum(axis=1)
        rate = total / (ways >= 0).sum(axis=1)
        for number in np.argsort(rate, kind="stable")[:_TRIES].tolist():
            if total[number] < 0:
                yield int(rows[number]), ways[number][ways[number] >= 0]

    def _arrivals(self) -> tuple[Ints, Ints, Ints]:
        """Return of every class the least cost of an arrival, its node, and that elsewhere."""
        first, second = (np.full(self._classes + 1, _NEVER) for _ in range(2))
        where = np.full(self._classes + 1, -1, np.int64)
        first[-1] = second[-1] = 0
        for k in range(self._classes):
            cost = np.where(self._of_class == k, self._arrive, _NEVER).min(axis=1)
            where[k] = cost.argmin()
            first[k] = cost[where[k]]
            cost[where[k]] = _NEVER
            second[k] = cost.min()
        return first, where, second

    def _make(self, source: int, ways: Ints) -> bool:
        """Let items leave a node, each for the best other; tell whether that lowers the score."""
        evaluation = self._evaluation
        before: dict[int, Ints] = {source: self.patterns[source][1]}
        for way in ways.tolist():
            found = self._target(source, int(self._of_class[source, way]))
            if found is None:
                break
            target, arriving = found
            before.setdefault(target, self.patterns[target][1])
            for row, changed, by in ((source, way, -1), (target, arriving, 1)):
                items = self.patterns[row][1].copy()
                items[changed] += by
                self._put(row, items)
        else:
            score, spent = 0, np.zeros_like(self._spare)
            for row, items in before.items():
                group, after = self.patterns[row]
                new, old = evaluation.pattern(group, after), evaluation.pattern(group, items)
                score += new.score - old.score
                spent += new.spent - old.spent
            if score < 0 and np.all(spent <= np.maximum(self._spare, 0)):
                self._spare -= spent
                return True
        for row, items in before.items():
            self._put(row, items)
        return False

    def _target(self, source: int, k: int) -> tuple[int, int] | None:
        """Return the node, not the source, and the way where an item's arrival costs least."""
        cost = np.where(self._of_class == k, self._arrive, _NEVER)
        cost[source] = _NEVER
        row, way = divmod(int(cost.argmin()), cost.shape[1])
        return None if cost[row, way] >= _NEVER else (row, way)

    def _put(self, row: int, items: Ints) -> None:
        """Let these items stand on a node, and evaluate its departures and arrivals."""
        number, _ = self.patterns[row]
        self.patterns[row] = number, items
        group = self._evaluation.groups[number]
        shape = group.shape
        scores, gone = self._evaluation.scores(shape), self._evaluation.aim.gone[shape.of_class]
        cell = int(items @ shape.offset)
        comes = _room(shape, items) & (shape.open_to | (items < group.now))
        back = (items < group.now)[comes]
        cost = scores[cell + shape.offset[comes]] - scores[cell] - gone[comes] * back
        self._arrive[row, : len(items)] = _NEVER
        self._arrive[row, np.flatnonzero(comes)] = cost
        key = number, items.tobytes()
        if key not in self._known:
            self._known[key] = _departures(group, scores, gone, items)
        self._leave[row] = self._known[key]


def _room(shape: Shape, items: Ints) -> Flags:
    """Tell for each way whether a node with these items has room for one more."""
    room: Flags = np.all(items @ shape.need + shape.need < shape.sizes, axis=1)
    return room


def _departures(group: Group, scores: Ints, gone: Ints, items: Ints) -> _Departures:
    """List what may leave a node together and changes the score more than any part of it."""
    spare = items - group.held
    present = np.flatnonzero(spare > 0).tolist()
    cell, offset = int(items @ group.shape.offset), group.shape.offset.tolist()
    away = (gone * (items <= group.now)).tolist()
    known: dict[tuple[int, ...], int] = {(): 0}
    kept: list[tuple[int, ...]] = []
    for number in range(1, _MOST + 1):
        for ways in combinations_with_replacement(present, number):
            if any(ways.count(way) > spare[way] for way in ways):
                continue
            after = cell - sum(offset[way] for way in ways)
            change = int(scores[after] - scores[cell]) + sum(away[way] for way in ways)
            least = min(known[ways[:i] + ways[i + 1 :]] for i in range(number))
            known[ways] = min(change, least)
            if number == 1 or change < min(least, 0):
                kept.append(ways)
    table = np.full((len(kept), _MOST), -1, np.int64)
    for row, found in enumerate(kept):
        table[row, : len(found)] = found
    return _Departures(table, np.array([known[found] for found in kept], np.int64))
