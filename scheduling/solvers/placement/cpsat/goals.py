"""Goals as expressions over the numbers of a formulation.

An expression may be above its goal's value, but its least value is not: goals are only minimised
or bounded from above.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from ortools.sat.python import cp_model

from scheduling.models.placement.aims import Wish
from scheduling.models.placement.goals import by_domain
from scheduling.solvers.placement.cpsat import measures
from scheduling.solvers.placement.cpsat.fragmentation import fragmentation

if TYPE_CHECKING:
    from scheduling.solvers.placement.cpsat.model import Formulation

Expression = Any


def goal_expression(part: Formulation, goal: str) -> Expression:
    """Add what a goal needs to a formulation and return its value."""
    return _EXPRESSIONS[goal](part)


def _evictions(part: Formulation) -> Expression:
    return sum((int(part.arrays.eviction_cost[k]) * n for k, n in part.lost.items()), 0)


def _moves(part: Formulation) -> Expression:
    arrays = part.arrays
    present = arrays.running.sum(axis=1).tolist()
    return sum(
        (
            int(arrays.move_cost[k]) * (present[k] - part.stayed[k] - number)
            for k, number in part.lost.items()
        ),
        0,
    )


def _used(part: Formulation, *, priced: bool) -> Expression:
    """Return the number of the nodes in use, or their cost."""
    terms: list[Expression] = []
    for j in range(part.arrays.n_nodes):
        price = int(part.arrays.node_cost[j]) if priced else 1
        numbers = [part.count[k, j] for k in part.by_node.get(j, ())]
        if not part.free[j]:
            terms.append(price * int(part.fixed[:, j].any()))
        elif numbers and price:
            used = part.model.new_bool_var("")
            for number in numbers:
                part.model.add(number == 0).only_enforce_if(~used)
            terms.append(price * used)
    return sum(terms, 0)


def _fragments(part: Formulation) -> Expression:
    """Return what is free beyond whole units, of which as many as fit may be counted."""
    arrays, measure = part.arrays, part.arrays.fragment
    if measure is None:
        return 0
    if measure.parts is None:
        nodes, need = np.arange(arrays.n_nodes), measure.need
        settled, now = part.fixed.T @ need, arrays.running.T @ need
    else:
        nodes = arrays.parts.node[measure.parts]
        settled = arrays.taken(part.settled)[measure.parts, measure.column]
        now = arrays.taken(arrays.now)[measure.parts, measure.column]
    unit, terms = measure.unit, []
    for row, j in enumerate(nodes.tolist()):
        capacity = int(measure.capacity[row])
        if not part.free[j]:
            terms.append(max(0, capacity - int(settled[row])) % unit)
            continue
        if measure.parts is None:
            classes = [k for k in part.by_node.get(j, ()) if need[k]]
            numbers = [part.count[k, j] for k in classes]
            used = cp_model.LinearExpr.weighted_sum(numbers, need[classes].tolist())
        else:
            used = part.parts.used(int(measure.parts[row]), measure.column)
        free: Expression = capacity - used
        if now[row] > capacity:
            free = part.model.new_int_var(0, capacity, "")
            part.model.add_max_equality(free, [capacity - used, 0])
        units = part.model.new_int_var(0, capacity // unit, "")
        part.model.add(unit * units <= free)
        terms.append(free - unit * units)
    return cp_model.LinearExpr.sum(terms)


def _preferences(part: Formulation) -> Expression:
    aims = part.arrays.aims
    terms: list[Expression] = []
    if aims.wish_cost is not None:
        terms.append(int((aims.wish_cost * part.fixed).sum()))
        cost = {cell: int(aims.wish_cost[cell]) for cell in part.count}
        terms += [cost[cell] * number for cell, number in part.count.items() if cost[cell]]
    for wish in aims.wishes:
        terms += _unmet(part, wish)
    return cp_model.LinearExpr.sum(terms)


def _unmet(part: Formulation, wish: Wish) -> Iterable[Expression]:
    """Yield what is lost on a wish: at once for domains outside the part, then for the others."""
    domains = part.arrays.domains[wish.domains]
    mine = by_domain(domains, part.fixed[wish.owner])
    others = by_domain(domains, part.fixed[list(wish.meant)].sum(axis=0)) - wish.own
    bad = others > 0 if wish.apart else others <= 0
    open_to_change = np.unique(domains.of[part.free])
    bad[open_to_change] = False
    bad[-1] = False
    yield wish.weight * int(mine[bad].sum())
    if not wish.apart:
        yield wish.weight * part.total([wish.owner], domains.of < 0)
    for domain in open_to_change[open_to_change >= 0].tolist():
        nodes = np.flatnonzero(domains.of == domain).tolist()
        if mine[domain] or any((wish.owner, j) in part.count for j in nodes):
            yield wish.weight * _unmet_in(part, wish, domain)


def _unmet_in(part: Formulation, wish: Wish, domain: int) -> Expression:
    """Items of the wish's class in one domain whose wish is not met."""
    model = part.model
    mine = part.in_domain([wish.owner], wish.domains, domain)
    meant = part.in_domain(wish.meant, wish.domains, domain)
    lost = model.new_int_var(0, len(part.arrays.members[wish.owner]), "")
    met = model.new_bool_var("")
    if wish.apart:
        model.add(meant <= wish.own).only_enforce_if(met)
    else:
        model.add(meant >= 1 + wish.own).only_enforce_if(met)
    model.add(lost >= mine).only_enforce_if(~met)
    return lost


_EXPRESSIONS: dict[str, Callable[[Formulation], Expression]] = {
    "evictions": _evictions,
    "moves": _moves,
    "nodes": partial(_used, priced=False),
    "cost": partial(_used, priced=True),
    "fragments": _fragments,
    "preferences": _preferences,
    "balance": measures.balance,
    "interference": measures.interference,
    "spread": measures.spread,
    "fragmentation": fragmentation,
}
