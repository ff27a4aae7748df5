"""Pricing: the best patterns of every group under given duals, and the bound that follows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scheduling.models.placement.arrays import Ints
from scheduling.solvers.placement.columns.aims import Evaluation, Prices
from scheduling.solvers.placement.columns.hosts import Shape
from scheduling.solvers.placement.kernels.patterns import NEVER, price

_LEVELS = 64
"""Most levels; finer scores share one."""

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class _Batch:
    """Groups of one shape with what the kernel needs."""

    shape: Shape
    groups: Ints
    stay: Ints
    held: Ints
    level: Ints
    levels: int
    passes: int


@dataclass(frozen=True, slots=True)
class Priced:
    """What one round brought: a bound of the sum of scores, and patterns.

    Attributes
    ----------
    bound
        Lower bound of the sum of scores, from any duals.
    found
        Pairs of a group and numbers of items, the best of each level of the group.
    """

    bound: float
    found: list[tuple[int, Ints]]


class Pricing:
    """Best patterns by dynamic programming over what is taken of a node.

    Each group yields one pattern for each value of the score and of what is free in pieces, not
    only the best: the integer master needs the others too.
    """

    def __init__(self, evaluation: Evaluation, size: Ints) -> None:
        self._evaluation = evaluation
        self._size = size
        self._nodes = np.array([len(group.nodes) for group in evaluation.groups])
        self._most = np.array([limit.most for limit in evaluation.limits], np.float64)
        self._batches = list(self._split())
        widest = max((batch.passes * batch.shape.cells for batch in self._batches), default=0)
        self._taken = np.empty(widest, np.bool_)

    def _split(self) -> Iterator[_Batch]:
        groups = self._evaluation.groups
        by_shape: dict[int, list[int]] = {}
        for number, group in enumerate(groups):
            by_shape.setdefault(id(group.shape), []).append(number)
        for members in by_shape.values():
            shape = groups[members[0]].shape
            held = np.array([groups[number].held for number in members])
            stay = np.array([groups[number].now for number in members]) - held
            # What is free in pieces tells more patterns apart than how many whole units are free.
            traits = np.stack([self._evaluation.scores(shape), shape.fragments])
            values, level = np.unique(traits, axis=1, return_inverse=True)
            level = level.ravel()
            if values.shape[1] > _LEVELS:
                level = level * _LEVELS // values.shape[1]
            yield _Batch(
                shape=shape,
                groups=np.array(members),
                stay=stay,
                held=held,
                level=level.astype(np.int64),
                levels=int(level.max()) + 1,
                passes=int(stay.sum(axis=1).max(initial=0)) + len(shape.uses),
            )

    def run(self, prices: Prices) -> Priced:
        """Return the best patterns under duals, and the Lagrangian bound."""
        evaluation = self._evaluation
        gone = evaluation.aim.gone.astype(np.float64)
        for value, limit in zip(prices.limit, evaluation.limits, strict=True):
            gone = gone + value * limit.weight
        bound = float(prices.item @ self._size - prices.limit @ self._most)
        found: list[tuple[int, Ints]] = []
        for batch in self._batches:
            best, patterns = self._price(batch, prices, gone)
            leaving = gone[batch.shape.of_class]
            base = np.array([evaluation.groups[g].now @ leaving for g in batch.groups])
            least = best.min(axis=1) + base
            bound += float(self._nodes[batch.groups] @ least)
            for row, level in np.argwhere(best < -0.5 * NEVER).tolist():
                found.append((int(batch.groups[row]), patterns[row, level]))
        return Priced(bound, found)

    def _price(self, batch: _Batch, prices: Prices, gone: Floats) -> tuple[Floats, Ints]:
        shape = batch.shape
        cost = self._evaluation.scores(shape).astype(np.float64)
        for value, limit in zip(prices.limit, self._evaluation.limits, strict=True):
            if limit.goal and value:
                cost += value * self._evaluation.spent(shape, limit)
        best = np.empty((len(batch.groups), batch.levels))
        patterns = np.zeros((len(batch.groups), batch.levels, len(shape.uses)), np.int64)
        saved = gone[shape.of_class]
        held_value = batch.held @ (prices.item[shape.of_class] + saved)
        price(
            shape.reach,
            shape.offset,
            shape.open_to,
            batch.stay,
            batch.held,
            prices.item[shape.of_class],
            saved,
            cost,
            batch.level,
            best,
            patterns,
            self._taken[: batch.passes * shape.cells].reshape(batch.passes, shape.cells),
        )
        best -= held_value[:, None]
        return best, patterns


def call_kernels() -> None:
    """Price one node with one way to stand on it, so that the kernels are compiled."""
    one = np.ones(1, np.int64)
    price(
        reach=np.array([[False, True]]),
        offset=one,
        open_to=np.array([True]),
        stay=one[None],
        held=np.zeros((1, 1), np.int64),
        worth=np.ones(1),
        saved=np.ones(1),
        cost=np.zeros(2),
        level=np.zeros(2, np.int64),
        best=np.empty((1, 1)),
        patterns=np.zeros((1, 1, 1), np.int64),
        taken=np.empty((2, 2), np.bool_),
    )
