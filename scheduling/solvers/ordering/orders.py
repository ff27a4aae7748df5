"""Orders of transactions with a bound: greedy, annealing, CP-SAT, and paths through cliques."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from scheduling.models.ordering.batch import FREE, Batch, Ints
from scheduling.solvers.board import Budget

if TYPE_CHECKING:
    from ortools.sat.python import cp_model

_CHUNK = 400_000
_HOT = 3.0
_PATH, _EXACT = 0.2, 0.4
"""Shares of the time for the path and for CP-SAT."""


@dataclass(frozen=True)
class Ordered:
    """An order, its makespan, and what no order undercuts."""

    order: tuple[int, ...]
    makespan: int
    bound: int

    @property
    def proven(self) -> bool:
        """Whether no order is shorter."""
        return self.makespan == self.bound


def append_best(batch: Batch) -> tuple[int, ...]:
    """Append the transaction that ends first, from every first one; return the best order.

    Of those that end alike, the one that starts first; the greedy baseline of the benchmark, which
    samples ten each time.
    """
    lag, length = batch.separations(), batch.lengths
    found = (_appended(lag, length, first) for first in range(len(length)))
    return min(found, key=batch.makespan)


def _appended(lag: Ints, length: Ints, first: int) -> tuple[int, ...]:
    order, starts = [first], [1]
    left = set(range(len(length))) - {first}
    while left:
        waiting = sorted(left)
        begins = np.maximum(
            1, (np.array(starts)[:, None] + lag[np.ix_(order, waiting)]).max(axis=0)
        )
        ends = begins + length[waiting] - 1
        pick = int(np.lexsort((begins, ends))[0])
        order.append(waiting[pick])
        starts.append(int(begins[pick]))
        left.remove(waiting[pick])
    return tuple(order)


def best_order(batch: Batch, seconds: float, seed: int = 0) -> Ordered:
    """Bound by a path, let CP-SAT close what it can, and anneal what is left.

    CP-SAT soon closes batches with few conflicts; annealing finds the best orders of dense ones.

    Parameters
    ----------
    batch
        The transactions.
    seconds
        About how long it may take; an order and a bound are there in any case.
    seed
        Seed of the annealing.
    """
    ends = time.monotonic() + seconds
    lag, length = batch.separations(), batch.lengths
    order = append_best(batch)
    bound = max(int(length.max()), path_bound(lag, length, _PATH * seconds))
    if batch.makespan(order) > bound:
        order, shown = _closed(batch, order, bound, _EXACT * seconds, seed)
        bound = max(bound, shown)
    start, round_ = order, 0
    while batch.makespan(order) > bound and (round_ == 0 or time.monotonic() < ends):
        found = annealed(batch, start, seed + round_, _CHUNK)
        order = min(order, found, key=batch.makespan)
        round_ += 1
    return Ordered(order, batch.makespan(order), bound)


def annealed(batch: Batch, order: Sequence[int], seed: int, steps: int) -> tuple[int, ...]:
    """Return the better of an order and what annealing finds from it."""
    from scheduling.solvers.ordering.kernel import anneal

    start = np.array(order, np.int64)
    found = anneal(
        batch.separations(), batch.lengths, start, steps, _HOT, np.random.default_rng(seed)
    )
    return min(tuple(order), tuple(found.tolist()), key=batch.makespan)


def path_bound(lag: Ints, length: Ints, seconds: float) -> int:
    """Lower bound of the makespan: the shortest path through transactions that all conflict.

    Of a largest clique every order has a first one, which starts at 1 or later, and each next one
    starts by its separation later; the last one adds its length.
    """
    import networkx as nx

    graph: nx.Graph[int] = nx.Graph()
    graph.add_nodes_from(range(len(length)))
    graph.add_edges_from((int(i), int(j)) for i, j in np.argwhere(np.triu(lag != FREE, 1)))
    clique, _ = nx.max_weight_clique(graph, weight=None)
    members = sorted(clique)
    if len(members) == 1:
        return int(length[members[0]])
    return _shortest_path(lag[np.ix_(members, members)], length[members], seconds)


def _shortest_path(lag: Ints, length: Ints, seconds: float) -> int:
    from ortools.sat.python import cp_model

    model = cp_model.CpModel()
    count = len(length)
    arcs: list[tuple[int, int, Any]] = []
    literals, costs = [], []
    for i in range(count):
        for j in range(count):
            if i != j:
                arcs.append((i, j, model.new_bool_var("")))
                costs.append(int(lag[i, j]))
        arcs.append((i, count, model.new_bool_var("")))
        costs.append(int(length[i]))
        arcs.append((count, i, model.new_bool_var("")))
        costs.append(0)
    literals = [literal for _, _, literal in arcs]
    model.add_circuit(arcs)
    model.minimize(cp_model.LinearExpr.weighted_sum(literals, costs))
    return _bound(model, seconds, 0)


def _bound(model: cp_model.CpModel, seconds: float, seed: int) -> int:
    from scheduling.solvers.cpsat_engine import run, sat_parameters

    budget = Budget(time.monotonic() + max(0.2, seconds), None, 2, seed)
    result = run(model, sat_parameters(budget))
    return 0 if result.bound is None else result.bound


def _closed(
    batch: Batch, order: Sequence[int], bound: int, seconds: float, seed: int
) -> tuple[tuple[int, ...], int]:
    """Solve exactly as far as time allows; return the best order and the bound shown.

    A literal for the order of each conflicting pair, places that make these orders one, and starts.
    """
    from ortools.sat.python import cp_model

    from scheduling.solvers.cpsat_engine import run, sat_parameters

    lag, length = batch.separations(), batch.lengths
    most, count = batch.makespan(order), len(length)
    model = cp_model.CpModel()
    start = [model.new_int_var(1, max(1, most), "") for _ in range(count)]
    place = [model.new_int_var(0, count - 1, "") for _ in range(count)]
    end = model.new_int_var(bound, most, "")
    known = {one: number for number, one in enumerate(order)}
    for i in range(count):
        model.add(start[i] + int(length[i]) - 1 <= end)
        model.add_hint(place[i], known[i])
        for j in range(i + 1, count):
            if lag[i, j] == FREE:
                continue
            first = model.new_bool_var("")
            model.add(start[j] >= start[i] + int(lag[i, j])).only_enforce_if(first)
            model.add(start[i] >= start[j] + int(lag[j, i])).only_enforce_if(first.negated())
            model.add(place[j] > place[i]).only_enforce_if(first)
            model.add(place[i] > place[j]).only_enforce_if(first.negated())
            model.add_hint(first, known[i] < known[j])
    model.minimize(end)
    budget = Budget(time.monotonic() + max(0.2, seconds), None, 2, seed)
    result = run(model, sat_parameters(budget))
    found = tuple(order)
    if result.values is not None:
        values = result.values
        placed = sorted(range(count), key=lambda one: values[place[one].index])
        found = min(found, tuple(placed), key=batch.makespan)
    return found, result.bound or 0
