"""Priorities of task graphs: upward and downward ranks, and the optimistic cost table.

All values are ``TaskGraph.scale`` times the published ones, so that they are exact integers.
"""

from __future__ import annotations

from scheduling.solvers.schedule.listing.graph import TaskGraph


def upward_ranks(graph: TaskGraph) -> list[int]:
    """Length of the longest way from each task's start to the end of the graph.

    ``rank_i = mean_p w_ip + max_j (c_ij + rank_j)`` over the successors j, with mean costs and
    full communication (Topcuoglu, Hariri, Wu, 2002, "Performance-effective and low-complexity task
    scheduling for heterogeneous computing", IEEE TPDS 13(3), equation 5).
    """
    ranks = [0] * len(graph.cost)
    for task in reversed(graph.order):
        way = max(
            (_length(graph, e.lag, e.transfer) + ranks[e.task] for e in graph.after[task]),
            default=0,
        )
        ranks[task] = graph.mean_cost(task) + way
    return ranks


def downward_ranks(graph: TaskGraph) -> list[int]:
    """Length of the longest way from the start of the graph to each task's start.

    ``rank_i = max_j (rank_j + mean_p w_jp + c_ji)`` over the predecessors j (equation 7 of the
    same paper).
    """
    ranks = [0] * len(graph.cost)
    for task in graph.order:
        ways = (
            ranks[e.task] + graph.mean_cost(e.task) + _length(graph, e.lag, e.transfer)
            for e in graph.before[task]
        )
        ranks[task] = max(ways, default=0)
    return ranks


def optimistic_costs(graph: TaskGraph) -> list[dict[int, int]]:
    """Return the optimistic cost table: per task and machine, the least way to the end after it.

    ``OCT(i, p) = max_j min_q (OCT(j, q) + w_jq + [p != q] c_ij)`` over the successors j (Arabnejad,
    Barbosa, 2014, "List scheduling algorithm for heterogeneous systems by an optimistic cost
    table", IEEE TPDS 25(3)). These are times, not scaled.
    """
    table: list[dict[int, int]] = [{} for _ in graph.cost]
    for task in reversed(graph.order):
        for machine in graph.cost[task]:
            table[task][machine] = max(
                (
                    edge.lag
                    + min(
                        table[edge.task][q] + w + (edge.transfer if q != machine else 0)
                        for q, w in graph.cost[edge.task].items()
                    )
                    for edge in graph.after[task]
                ),
                default=0,
            )
    return table


def _length(graph: TaskGraph, lag: int, transfer: int) -> int:
    return graph.scale * (lag + transfer)
