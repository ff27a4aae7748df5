"""Balance, spread and interference as expressions over the numbers of a formulation."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from math import gcd
from typing import TYPE_CHECKING, Any

import numpy as np
from ortools.sat.python import cp_model

from scheduling.models.placement.aims import UNLIMITED, Clash, Gauge
from scheduling.models.placement.goals import (
    Standing,
    crowd,
    fullest,
    most_of,
    suffered,
    used_of,
)
from scheduling.models.placement.measures import MILLIONTHS

if TYPE_CHECKING:
    from scheduling.solvers.placement.cpsat.model import Formulation

Expression = Any

_LARGEST = 2**60
"""Sums in CP-SAT stay below this."""

_FULLEST = 2**40
"""The largest share in millionths that is told from larger ones: a node a million times full."""


def balance(part: Formulation) -> Expression:
    """Return the share of the fullest row in millionths.

    Where amounts are too large for 64 bits they are rounded so that it is a lower bound still; all
    shares above :data:`_FULLEST` count as that.
    """
    gauge = part.arrays.aims.balance
    if gauge is None:
        return 0
    outside = ~_changing(part, gauge)
    used = used_of(Standing(part.arrays, part.settled), gauge)
    least = min(fullest(gauge.capacity[outside], used[outside]), _FULLEST)
    highest = min(max(least, most_of(part.arrays, "balance")), _FULLEST)
    share = part.model.new_int_var(least, highest, "")
    for row, numbers, needs in _loads(part, gauge):
        capacity = int(gauge.capacity[row])
        load = _load(numbers, needs)
        unit = gcd(capacity, *needs)
        unit *= -(-(highest * capacity + MILLIONTHS * load) // unit // _LARGEST)
        used_here = cp_model.LinearExpr.weighted_sum(numbers, [need // unit for need in needs])
        row_holds = part.model.add(MILLIONTHS * used_here <= -(-capacity // unit) * share)
        if MILLIONTHS * load > _FULLEST * capacity:
            beyond = part.model.new_bool_var("")
            row_holds.only_enforce_if(~beyond)
            part.model.add(share == _FULLEST).only_enforce_if(beyond)
    return share


def _load(numbers: list[Any], needs: list[int]) -> int:
    """Return the largest sum of needs that variables allow."""
    return sum(need * max(number.proto.domain) for number, need in zip(numbers, needs, strict=True))


def limit_balance(part: Formulation, most: int) -> None:
    """Keep every row below a share in millionths, exactly."""
    gauge = part.arrays.aims.balance
    if gauge is not None:
        for row, numbers, needs in _loads(part, gauge):
            limit = most * int(gauge.capacity[row]) // MILLIONTHS
            # A limit above all that there is may be too large for 64 bits.
            if limit < _load(numbers, needs):
                used = cp_model.LinearExpr.weighted_sum(numbers, needs)
                part.model.add(used <= limit)


def _changing(part: Formulation, gauge: Gauge) -> Any:
    """Tell which rows of a gauge are on nodes that may change."""
    nodes = gauge.rows if gauge.columns is None else part.arrays.parts.node[gauge.rows]
    return part.free[nodes]


def _loads(part: Formulation, gauge: Gauge) -> Iterator[tuple[int, list[Any], list[int]]]:
    """Yield what may be used of each row at each moment: the row, numbers, and their needs."""
    for row in np.flatnonzero(_changing(part, gauge)).tolist():
        place = int(gauge.rows[row])
        if gauge.columns is None:
            for need in gauge.need:
                classes = [k for k in part.by_node.get(place, ()) if need[k]]
                if classes:
                    numbers = [part.count[k, place] for k in classes]
                    yield row, numbers, need[classes].tolist()
        else:
            for column in gauge.columns.tolist():
                loads = part.parts.loads(place, column)
                if loads:
                    yield row, [number for number, _ in loads], [need for _, need in loads]


def spread(part: Formulation) -> Expression:
    """Return the sum over owners of the largest number of their items in one domain."""
    aims = part.arrays.aims.spread
    if aims is None:
        return 0
    terms: list[Expression] = []
    for owner in aims.owners:
        settled = crowd(aims, owner, part.fixed)
        least = int(settled.max(initial=0))
        numbers: dict[int, list[Any]] = defaultdict(list)
        for k in owner:
            for j in part.nodes_of(k):
                numbers[int(aims.of[j])].append(part.count[k, j])
        if not numbers:
            terms.append(least)
            continue
        size = sum(len(part.arrays.members[k]) for k in owner)
        most = part.model.new_int_var(least, max(size, least), "")
        for domain, there in numbers.items():
            part.model.add(most >= cp_model.LinearExpr.sum(there) + int(settled[domain]))
        terms.append(most)
    return cp_model.LinearExpr.sum(terms)


def interference(part: Formulation) -> Expression:
    """Return what items lose beside each other."""
    terms: list[Expression] = []
    for clash in part.arrays.aims.clashes:
        terms.append(int(suffered(clash, part.fixed)[~part.free].sum()))
        terms += [clash.degradation * _pairs(part, clash, j) for j in part.by_node]
    return cp_model.LinearExpr.sum(terms)


def _pairs(part: Formulation, clash: Clash, j: int) -> Expression:
    """Return the pairs of a victim and another item as its neighbour on one node."""
    victims, most_victims = _number(part, clash.victims, j)
    neighbours, most_neighbours = _number(part, clash.neighbours, j)
    both, _ = _number(part, clash.both, j)
    if most_victims == 0 or most_neighbours == 0:
        return 0
    product = part.model.new_int_var(0, most_victims * most_neighbours, "")
    part.model.add_multiplication_equality(product, [victims, neighbours])
    return product - both


def _number(part: Formulation, classes: tuple[int, ...], j: int) -> tuple[Any, int]:
    """Return a variable for the items of some classes on a node, and its largest value."""
    numbers = [part.count[k, j] for k in classes if (k, j) in part.count]
    most = sum(part.most(k, j) for k in classes)
    if len(numbers) == 1:
        return numbers[0], most
    number = part.model.new_int_var(0, most, "")
    part.model.add(number == cp_model.LinearExpr.sum(numbers))
    return number, most


def limit_interference(part: Formulation) -> None:
    """Let no item lose more than it may, where it or what slows it down arrives."""
    clashes, limits = part.arrays.aims.clashes, part.arrays.aims.tolerated
    for k in np.flatnonzero(limits != UNLIMITED).tolist():
        mine = [clash for clash in clashes if k in clash.victims]
        causes = {k, *(other for clash in mine for other in clash.neighbours)}
        for j in part.nodes_of(k) if mine else ():
            loss = sum(
                clash.degradation * (part.here(clash.neighbours, j) - int(k in clash.neighbours))
                for clash in mine
            )
            bearable, absent = part.model.new_bool_var(""), part.model.new_bool_var("")
            part.model.add(loss <= int(limits[k])).only_enforce_if(bearable)
            part.model.add(part.count[k, j] == 0).only_enforce_if(absent)
            choices = [bearable, absent]
            if part.arrays.running[k, j]:
                unchanged = part.model.new_bool_var("")
                for other in sorted(causes):
                    part.no_arrival(other, j, unchanged)
                choices.append(unchanged)
            part.model.add_bool_or(choices)
