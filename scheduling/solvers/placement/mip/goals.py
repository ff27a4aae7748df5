"""Goals as linear terms over the numbers of a program."""

from __future__ import annotations

from math import gcd
from typing import TYPE_CHECKING

import numpy as np

from scheduling.models.placement.aims import Wish
from scheduling.models.placement.goals import most_of
from scheduling.models.placement.measures import MILLIONTHS
from scheduling.solvers.linear.rows import Term

if TYPE_CHECKING:
    from scheduling.solvers.placement.mip.model import Program

Value = tuple[list[Term], int]
"""Terms and a constant."""


def goal_terms(program: Program, goal: str) -> Value:
    """Add what a goal needs to a program and return its value, which is exact at the least."""
    match goal:
        case "evictions":
            return _evictions(program)
        case "moves":
            return _moves(program)
        case "nodes":
            return _used(program, priced=False)
        case "cost":
            return _used(program, priced=True)
        case "fragments":
            return _fragments(program)
        case "balance":
            return _balance(program)
        case "spread":
            return _spread(program)
        case _:
            return _preferences(program)


def _evictions(program: Program) -> Value:
    cost = program.arrays.eviction_cost
    return [(column, float(cost[k])) for k, column in program.lost.items()], 0


def _moves(program: Program) -> Value:
    cost = program.arrays.move_cost
    terms: list[Term] = []
    for k, column in program.lost.items():
        terms.append((column, -float(cost[k])))
        terms += [(stay, -float(cost[k])) for stay, _ in program.stays(k)]
    return terms, int(cost @ program.present)


def _used(program: Program, *, priced: bool) -> Value:
    arrays, terms = program.arrays, list[Term]()
    for j in range(arrays.n_nodes):
        price = int(arrays.node_cost[j]) if priced else 1
        classes = np.flatnonzero(program.x[:, j] >= 0).tolist()
        if not classes or not price:
            continue
        used = program.binary()
        terms.append((used, float(price)))
        for k in classes:
            program.at_most([(int(program.x[k, j]), 1.0), (used, -float(program.size[k]))], 0.0)
    return terms, 0


def _fragments(program: Program) -> Value:
    """Return what is free beyond whole units, of which as many as fit may be counted."""
    arrays, measure = program.arrays, program.arrays.fragment
    if measure is None:
        return [], 0
    unit, terms, constant = measure.unit, list[Term](), 0
    before = arrays.running.T @ measure.need
    for j, capacity in enumerate(measure.capacity.tolist()):
        classes = np.flatnonzero((program.x[:, j] >= 0) & (measure.need > 0)).tolist()
        used = [(int(program.x[k, j]), float(measure.need[k])) for k in classes]
        units = program.number(capacity // unit)
        free: list[Term] = [(column, -need) for column, need in used]
        start = capacity
        if before[j] > capacity:
            free, start = _above_zero(program, used, capacity, int(before[j])), 0
        program.at_most([*((x, -need) for x, need in free), (units, float(unit))], start)
        terms += [*free, (units, -float(unit))]
        constant += start
    return terms, constant


def _above_zero(program: Program, used: list[Term], capacity: int, most: int) -> list[Term]:
    """Add ``max(capacity - used, 0)`` of a node that may be used beyond its capacity."""
    free, over = program.number(capacity), program.binary()
    program.at_most([(free, -1.0), *((x, -need) for x, need in used)], -capacity)
    program.at_most([(free, 1.0), *used, (over, -float(most))], capacity)
    program.at_most([(free, 1.0), (over, float(capacity))], capacity)
    return [(free, 1.0)]


def _balance(program: Program) -> Value:
    """Return the share of the fullest node in millionths."""
    gauge = program.arrays.aims.balance
    if gauge is None:
        return [], 0
    share = program.number(most_of(program.arrays, "balance"))
    for j, capacity in zip(gauge.rows.tolist(), gauge.capacity.tolist(), strict=True):
        for need in gauge.need:
            classes = np.flatnonzero((program.x[:, j] >= 0) & (need > 0)).tolist()
            unit = gcd(capacity, *need[classes].tolist())
            terms: list[Term] = [
                (int(program.x[k, j]), MILLIONTHS * int(need[k]) // unit) for k in classes
            ]
            if terms:
                # In whole numbers: engines take what differs by less than 1e-6 for equal.
                program.at_most([*terms, (share, -(capacity // unit))], 0.0)
    return [(share, 1.0)], 0


def _spread(program: Program) -> Value:
    """Return the sum over owners of the largest number of their items in one domain."""
    aims, terms = program.arrays.aims.spread, list[Term]()
    if aims is None:
        return [], 0
    for owner in aims.owners:
        most = program.number(program.most(owner))
        terms.append((most, 1.0))
        for domain in range(aims.count):
            items = program.items(owner, np.flatnonzero(aims.of == domain))
            if items:
                program.at_most([*items, (most, -1.0)], 0.0)
    return terms, 0


def _preferences(program: Program) -> Value:
    aims = program.arrays.aims
    terms: list[Term] = []
    if aims.wish_cost is not None:
        k, j = np.nonzero((program.x >= 0) & (aims.wish_cost > 0))
        costs = aims.wish_cost[k, j].astype(float).tolist()
        terms += zip(program.x[k, j].tolist(), costs, strict=True)
    for wish in aims.wishes:
        terms += _unmet(program, wish)
    return terms, 0


def _unmet(program: Program, wish: Wish) -> list[Term]:
    """Items whose wish for neighbours is not met, by domain."""
    domains = program.arrays.domains[wish.domains]
    weight, most = float(wish.weight), program.most(wish.meant)
    terms: list[Term] = []
    if not wish.apart:
        outside = np.flatnonzero(domains.of < 0)
        terms += [(x, weight) for x, _ in program.items((wish.owner,), outside)]
    for domain in range(domains.count):
        nodes = np.flatnonzero(domains.of == domain)
        mine = program.items((wish.owner,), nodes)
        if not mine:
            continue
        lost, met = program.number(program.most((wish.owner,))), program.binary()
        meant = program.items(wish.meant, nodes)
        if wish.apart:
            program.at_most([*meant, (met, float(most))], most + wish.own)
        else:
            program.rows.at_least([*meant, (met, -float(1 + wish.own))], 0.0)
        size = float(program.most((wish.owner,)))
        program.rows.at_least([(lost, 1.0), *((x, -1.0) for x, _ in mine), (met, size)], 0.0)
        terms.append((lost, weight))
    return terms
