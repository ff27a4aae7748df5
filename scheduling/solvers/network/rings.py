"""Rings: the fastest slowest link by threshold, and neighbours by turns."""

from __future__ import annotations

import networkx as nx

from scheduling.models.network.ring import RingProblem, fastest_bound, slowest


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

    Rates that rings may have are halved between a ring that is known and the bound: no ring exists
    where the links of at least a rate do not connect all nodes both ways, else CP-SAT finds or
    refutes a circuit of them. Where it does neither, the bound is the largest rate not refuted.

    Parameters
    ----------
    problem
        The rates.
    work
        What each circuit may take, in CP-SAT's deterministic time.
    """
    best = nearest_ring(problem)
    n = len(problem.rates)
    top = fastest_bound(problem)
    rates = sorted(
        {
            problem.rates[a][b]
            for a in range(n)
            for b in range(n)
            if a != b and problem.rates[a][b] <= top
        }
    )
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
    graph = nx.DiGraph(
        (a, b) for a in range(n) for b in range(n) if a != b and problem.rates[a][b] >= rate
    )
    if len(graph) < n or not nx.is_strongly_connected(graph):
        return True, None
    model = cp_model.CpModel()
    links = {link: model.new_bool_var("") for link in graph.edges}
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
