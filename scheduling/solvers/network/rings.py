"""Rings: the fastest slowest link by sets of nodes, by rotations of paths and by circuits."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from scheduling.models.network.ring import RingProblem, fastest_bound, slowest

MOST_IN_SETS = 13
"""Most nodes for which the program over sets is run."""

_TURNS, _STARTS = 60, 8
"""Steps of a search for a ring, for each node, and searches at each rate."""


def nearest_ring(problem: RingProblem) -> list[int]:
    """Return the best ring that goes on to the fastest node left, over all starts.

    Parameters
    ----------
    problem
        The rates.
    """
    n = len(problem.rates)
    return max((_walk(problem, start) for start in range(n)), key=lambda o: slowest(problem, o))


def _walk(problem: RingProblem, start: int) -> list[int]:
    order, left = [start], set(range(len(problem.rates))) - {start}
    while left:
        row = problem.rates[order[-1]]
        order.append(max(sorted(left), key=lambda node: row[node]))
        left.remove(order[-1])
    return order


def fastest_ring(problem: RingProblem, work: float = 5.0) -> tuple[list[int], float]:
    """Return a ring with the fastest slowest link, and a rate that no ring exceeds.

    A few nodes take the program over sets. For many, a ring of rotated paths often reaches the
    bound of links that stay connected; else CP-SAT narrows what is between.

    Parameters
    ----------
    problem
        The rates.
    work
        What each circuit may take, in CP-SAT's deterministic time.
    """
    if len(problem.rates) <= MOST_IN_SETS:
        order = ring_by_sets(problem)
        return order, slowest(problem, order)
    best, bound = rotated_ring(problem), fastest_bound(problem)
    if slowest(problem, best) == bound:
        return best, bound
    best = max(best, nearest_ring(problem), key=lambda order: slowest(problem, order))
    return ring_by_circuits(problem, best, work)


def ring_by_sets(problem: RingProblem) -> list[int]:
    """Return a ring with the fastest slowest link, by a program over sets of nodes.

    That of Held and Karp (1962), with the slowest link in place of the length: time and memory grow
    with ``2 ** n``.

    Parameters
    ----------
    problem
        The rates, of few nodes.
    """
    rates = np.array(problem.rates)
    n = len(rates) - 1
    between = rates[1:, 1:]
    rate = np.full((1 << n, n), -np.inf)
    came = np.zeros((1 << n, n), dtype=np.int64)
    for last in range(n):
        rate[1 << last, last] = rates[0, last + 1]
    for subset in range(1, 1 << n):
        for last in range(n):
            rest = subset & ~(1 << last)
            if rest in (subset, 0):
                continue
            slow = np.minimum(rate[rest], between[:, last])
            came[subset, last] = place = int(slow.argmax())
            rate[subset, last] = slow[place]
    subset = (1 << n) - 1
    last = int(np.minimum(rate[subset], rates[1:, 0]).argmax())
    order = []
    while subset:
        order.append(last + 1)
        subset, last = subset & ~(1 << last), int(came[subset, last])
    return [0, *order[::-1]]


def rotated_ring(problem: RingProblem, seed: int = 0) -> list[int]:
    """Return the ring with the fastest slowest link that rotations of paths find.

    The rates that rings may have are halved. At each, paths are grown along links at least so fast
    both ways (see :func:`_grown`).

    Parameters
    ----------
    problem
        The rates.
    seed
        For the choice among neighbours.
    """
    rng = np.random.default_rng(seed)
    rates = np.array(problem.rates)
    both = np.minimum(rates, rates.T)
    np.fill_diagonal(both, -np.inf)
    levels = np.unique(both[np.triu_indices(len(both), 1)])
    levels = levels[levels <= fastest_bound(problem)]
    best = list(range(len(both)))
    low, high = 0, len(levels) - 1
    while low <= high:
        middle = (low + high) // 2
        tours = (_grown(both >= levels[middle], rng) for _ in range(_STARTS))
        tour = next((one for one in tours if one is not None), None)
        if tour is None:
            high = middle - 1
        else:
            best = max(best, tour, key=lambda order: slowest(problem, order))
            low = middle + 1
    return best


def _grown(links: NDArray[np.bool_], rng: np.random.Generator) -> list[int] | None:
    """Return a ring along links, symmetric ones, if one is found.

    A path is grown, and where its end is stuck at nodes that are on it already, the part behind one
    of them is turned round (Posa 1976).
    """
    n = len(links)
    ways = links.sum(axis=1).tolist()
    path, at = [0], {0: 0}
    for _ in range(_TURNS * n):
        if len(path) == n and links[path[-1], path[0]]:
            return path
        neighbours = np.flatnonzero(links[path[-1]]).tolist()
        fresh = [node for node in neighbours if node not in at]
        if fresh:
            # The one with the fewest ways on, which is soonest out of reach.
            node = min(fresh, key=lambda node: (ways[node], rng.random()))
            at[node] = len(path)
            path.append(node)
            continue
        inner = [node for node in neighbours if at[node] < len(path) - 2]
        if not inner:
            return None
        turn = at[inner[int(rng.integers(len(inner)))]] + 1
        path[turn:] = path[turn:][::-1]
        at.update((node, turn + place) for place, node in enumerate(path[turn:]))
    return None


def ring_by_circuits(problem: RingProblem, best: list[int], work: float) -> tuple[list[int], float]:
    """Return a ring with the fastest slowest link, and a rate that no ring exceeds.

    Rates that rings may have are halved between a ring that is known and the bound: CP-SAT finds or
    refutes a circuit of links at least so fast. Where it does neither, the bound is the largest
    rate not refuted.

    Parameters
    ----------
    problem
        The rates.
    best
        The ring that is known.
    work
        What each circuit may take, in CP-SAT's deterministic time.
    """
    n, top = len(problem.rates), fastest_bound(problem)
    links = (problem.rates[a][b] for a in range(n) for b in range(n) if a != b)
    rates = sorted({rate for rate in links if rate <= top})
    low, high = rates.index(slowest(problem, best)), len(rates) - 1
    while low < high:
        middle = (low + high + 1) // 2
        refuted, order = _circuit(problem, rates[middle], work)
        if order is not None:
            best = order
            low = rates.index(slowest(problem, best))
        elif refuted:
            high = middle - 1
        else:
            break
    return best, rates[high]


def _circuit(problem: RingProblem, rate: float, work: float) -> tuple[bool, list[int] | None]:
    """Return whether no ring has links of this rate alone, and one if one is found."""
    from ortools.sat.python import cp_model

    n = len(problem.rates)
    model = cp_model.CpModel()
    links = {
        (a, b): model.new_bool_var("")
        for a in range(n)
        for b in range(n)
        if a != b and problem.rates[a][b] >= rate
    }
    model.add_circuit([(a, b, literal) for (a, b), literal in links.items()])
    solver = cp_model.CpSolver()
    solver.parameters.max_deterministic_time = work
    solver.parameters.num_workers = 1
    status = solver.solve(model)
    if status not in (cp_model.OPTIMAL, cp_model.FEASIBLE):
        return status == cp_model.INFEASIBLE, None
    following = {a: b for (a, b), literal in links.items() if solver.boolean_value(literal)}
    order = [0]
    while len(order) < n:
        order.append(following[order[-1]])
    return False, order
