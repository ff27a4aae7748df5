"""The network of runs that are still open, refined until its paths are schedules.

A node is a run of a job, with its completion time and whatever else its paths so far have in
common; an arc joins runs that may follow each other. A refinement splits every node by which of a
few jobs its paths have run, so that no path runs these twice, and leaves out what lies on no path
cheaper than the best known schedule (successive sublimation: Tanaka, Fujikuma and Araki, 2009,
Journal of Scheduling 12). Arcs are stored by the node that they lead to; nodes are in order of
time, node 0 is the beginning, and the last node is the end.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from scheduling.solvers.jit import njit
from scheduling.solvers.schedule.tardiness.kernels.multipliers import (
    INFINITE,
    SCALE,
    Ints,
    Multipliers,
    settle,
)
from scheduling.solvers.schedule.tardiness.kernels.relaxation import Relaxation

Ints32 = NDArray[np.int32]


class Network(NamedTuple):
    """Nodes and arcs; made by :func:`make_network`.

    Attributes
    ----------
    job, cost
        Of each node: the job that runs (-1 at both ends) and the scaled cost of completing it.
    pointer, source
        Arcs into node v come from ``source[pointer[v]:pointer[v + 1]]``.
    ahead, after
        Least cost of a path up to the node, it included, and from it on, it excluded.
    """

    job: Ints32
    cost: Ints
    pointer: Ints
    source: Ints32
    ahead: Ints
    after: Ints


def assemble(job: Ints32, cost: Ints, pointer: Ints, source: Ints32) -> Network:
    """Give nodes and arcs their labels' room."""
    labels = [np.full(len(job), INFINITE, np.int64) for _ in range(2)]
    return Network(job, cost, pointer, source, *labels)


def make_network(relaxation: Relaxation, most_arcs: int) -> Network | None:
    """Join the open runs of a relaxation; ``None`` when there would be too many arcs.

    Two jobs follow each other only in the order that is cheaper there, or of lower number when
    both cost the same: some optimal order keeps this everywhere.
    """
    runs = np.argwhere(relaxation.open.T)
    time, job = runs[:, 0].astype(np.int64), runs[:, 1].astype(np.int32)
    at = np.searchsorted(time, np.arange(relaxation.open.shape[1] + 1)).astype(np.int64)
    pointer = np.zeros(len(job) + 3, np.int64)
    none = np.zeros(0, np.int32)
    join_runs(relaxation, time, job, at, pointer, none)
    arcs = int(pointer[-1])
    if arcs > most_arcs:
        return None
    source = np.zeros(arcs, np.int32)
    join_runs(relaxation, time, job, at, pointer, source)
    late = np.maximum(0, time - relaxation.due[job])
    cost = np.concatenate([[0], SCALE * relaxation.weight[job] * late, [0]]).astype(np.int64)
    ends = np.full(1, -1, np.int32)
    return assemble(np.concatenate([ends, job, ends]), cost, pointer, source)


@njit.lean
def _may_follow(relaxation: Relaxation, i: int, j: int, time: int) -> bool:
    """Whether i completing at ``time`` and then j is the cheaper order of the two."""
    if i == j or relaxation.before[j, i]:
        return False
    duration, due, weight = relaxation.duration, relaxation.due, relaxation.weight
    end = time + duration[j]
    swapped = end - duration[i]
    kept = weight[i] * max(0, time - due[i]) + weight[j] * max(0, end - due[j])
    other = weight[j] * max(0, swapped - due[j]) + weight[i] * max(0, end - due[i])
    return kept < other or (kept == other and i < j)


@njit.lean_entry
def join_runs(
    relaxation: Relaxation, time: Ints, job: Ints32, at: Ints, pointer: Ints, source: Ints32
) -> None:
    """Write the arcs between runs, or only their numbers when there is no room for any."""
    count = 0
    write = source.shape[0] > 0
    nodes = job.shape[0]
    for v in range(nodes):
        start = time[v] - relaxation.duration[job[v]]
        if start == 0:
            if write:
                source[count] = 0
            count += 1
        for u in range(at[start], at[start + 1]):
            if _may_follow(relaxation, job[u], job[v], start):
                if write:
                    source[count] = u + 1
                count += 1
        pointer[v + 2] = count
    last = at.shape[0] - 2
    for u in range(at[last], at[last + 1]):
        if write:
            source[count] = u + 1
        count += 1
    pointer[nodes + 2] = count


@njit.lean_entry
def label_ahead(network: Network, price: Ints) -> int:
    """Label the nodes with the cheapest paths up to them; return the cost up to the end."""
    job, ahead, pointer = network.job, network.ahead, network.pointer
    nodes = job.shape[0]
    ahead[0] = 0
    for v in range(1, nodes):
        best = INFINITE
        for arc in range(pointer[v], pointer[v + 1]):
            best = min(best, ahead[network.source[arc]])
        if best < INFINITE and job[v] >= 0:
            best += network.cost[v] - price[job[v]]
        ahead[v] = best
    return ahead[nodes - 1]


@njit.lean_entry
def label_after(network: Network, price: Ints) -> None:
    """Label the nodes with the cheapest paths from them to the end."""
    job, after, pointer = network.job, network.after, network.pointer
    nodes = job.shape[0]
    for v in range(nodes):
        after[v] = INFINITE
    after[nodes - 1] = 0
    for v in range(nodes - 1, 0, -1):
        if after[v] >= INFINITE:
            continue
        through = after[v]
        if job[v] >= 0:
            through += network.cost[v] - price[job[v]]
        for arc in range(pointer[v], pointer[v + 1]):
            u = network.source[arc]
            after[u] = min(after[u], through)


@njit.lean
def trace(network: Network, path: Ints) -> int:
    """Write the jobs of the cheapest path, last first; return their number."""
    job, ahead, pointer = network.job, network.ahead, network.pointer
    v = job.shape[0] - 1
    length = 0
    while v > 0:
        best = -1
        for arc in range(pointer[v], pointer[v + 1]):
            u = network.source[arc]
            if best < 0 or ahead[u] < ahead[best]:
                best = u
        v = best
        if v > 0:
            path[length] = job[v]
            length += 1
    return length


@njit.lean_entry
def climb(network: Network, prices: Multipliers, steps: int, target: int, path: Ints) -> bool:
    """Move the prices up to ``steps`` times; False when no path is left."""
    for _ in range(steps):
        cost = label_ahead(network, prices.price)
        if cost >= INFINITE:
            return False
        for j in range(prices.visits.shape[0]):
            prices.visits[j] = 0
        for k in range(trace(network, path)):
            prices.visits[path[k]] += 1
        settle(prices, cost, target)
    return True


def thinned(network: Network, price: Ints, ceiling: int) -> Network:
    """Return the nodes and arcs on paths of cost at most ``ceiling`` (prices taken off)."""
    label_ahead(network, price)
    label_after(network, price)
    number = np.zeros(len(network.job), np.int32)
    arcs = number_kept(network, price, ceiling, number)
    kept = np.flatnonzero(number >= 0)
    pointer = np.zeros(len(kept) + 1, np.int64)
    source = np.zeros(arcs, np.int32)
    copy_kept(network, price, ceiling, number, pointer, source)
    return assemble(network.job[kept], network.cost[kept], pointer, source)


@njit.lean
def _through(network: Network, price: Ints, v: int) -> int:
    """Cost of node v and of the cheapest path behind it."""
    own = network.cost[v] - price[network.job[v]] if network.job[v] >= 0 else 0
    return own + network.after[v]


@njit.lean_entry
def number_kept(network: Network, price: Ints, ceiling: int, number: Ints32) -> int:
    """Give the nodes on cheap paths new numbers, others -1; return how many arcs stay."""
    nodes = network.job.shape[0]
    count, arcs = 0, 0
    for v in range(nodes):
        ends = v in (0, nodes - 1)
        if ends or network.ahead[v] + network.after[v] <= ceiling:
            number[v] = count
            count += 1
        else:
            number[v] = -1
            continue
        through = _through(network, price, v)
        for arc in range(network.pointer[v], network.pointer[v + 1]):
            if network.ahead[network.source[arc]] + through <= ceiling:
                arcs += 1
    return arcs


@njit.lean_entry
def copy_kept(
    network: Network, price: Ints, ceiling: int, number: Ints32, pointer: Ints, source: Ints32
) -> None:
    """Write the arcs on cheap paths with the new numbers of their nodes."""
    arcs = 0
    for v in range(network.job.shape[0]):
        if number[v] < 0:
            continue
        through = _through(network, price, v)
        for arc in range(network.pointer[v], network.pointer[v + 1]):
            u = network.source[arc]
            if network.ahead[u] + through <= ceiling:
                source[arcs] = number[u]
                arcs += 1
        pointer[number[v] + 1] = arcs
