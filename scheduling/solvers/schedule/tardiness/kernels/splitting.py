"""Refinement of a network: its nodes are split by which of a few jobs their paths have run."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from scheduling.solvers.jit import njit
from scheduling.solvers.schedule.tardiness.kernels.multipliers import INFINITE, Ints
from scheduling.solvers.schedule.tardiness.kernels.network import Ints32, Network, assemble
from scheduling.solvers.schedule.tardiness.kernels.relaxation import Bools

Words = NDArray[np.uint64]

ADDS, NEEDS, BARS = range(3)
"""Columns of the rules by which nodes are split."""

_SLOTS = 1 << 16
_FULL = -1


class Buffer(NamedTuple):
    """Room for a network in the making: columns as in :class:`Network`, and each node's origin."""

    origin: Ints32
    bits: Words
    ahead: Ints
    pointer: Ints
    source: Ints32
    first: Ints
    slot: Ints32


def refined(
    network: Network, price: Ints, ceiling: int, jobs: Ints, before: Bools, room: int
) -> Network | None:
    """Split the nodes by which of some jobs have run; ``None`` when that takes too much room.

    Parameters
    ----------
    network
        With labels ``after`` at the same prices.
    price, ceiling
        As in :func:`~.network.thinned`.
    jobs
        At most 60 jobs that every path runs once from now on, in the order of the precedences.
    before
        Which jobs come before which.
    room
        Most arcs of the result; a third of it most nodes.
    """
    rules = _rules(jobs, before)
    nodes = len(network.job)
    buffer = Buffer(
        origin=np.zeros(room // 3, np.int32),
        bits=np.zeros(room // 3, np.uint64),
        ahead=np.zeros(room // 3, np.int64),
        pointer=np.zeros(room // 3 + 1, np.int64),
        source=np.zeros(room, np.int32),
        first=np.zeros(nodes + 1, np.int64),
        slot=np.full(_SLOTS, -1, np.int32),
    )
    count = split_nodes(network, price, ceiling, rules, buffer)
    if count < 0:
        return None
    origin = buffer.origin[:count]
    arcs = int(buffer.pointer[count])
    return assemble(
        network.job[origin],
        network.cost[origin],
        buffer.pointer[: count + 1].copy(),
        buffer.source[:arcs].copy(),
    )


def _rules(jobs: Ints, before: Bools) -> Words:
    """Return as bits, by job and for the end, which jobs a run adds, needs and must not find."""
    n = len(before)
    rules = np.zeros((n + 1, 3), np.uint64)
    for number, job in enumerate(jobs.tolist()):
        bit = np.uint64(1 << number)
        rules[job, ADDS] |= bit
        rules[job, BARS] |= bit
        rules[:n, NEEDS][before[job]] |= bit
        rules[:n, BARS][before[:, job]] |= bit
        rules[n, NEEDS] |= bit
    return rules


@njit.lean_entry
def split_nodes(network: Network, price: Ints, ceiling: int, rules: Words, buffer: Buffer) -> int:
    """Write the refined network into the buffer; return its nodes, -1 without enough room."""
    nodes = network.job.shape[0]
    end = rules.shape[0] - 1
    buffer.first[1] = 1
    buffer.pointer[1] = 0
    count = 1
    for v in range(1, nodes):
        job = network.job[v]
        fixed = network.cost[v] - price[job] if job >= 0 else 0
        limit = ceiling - network.after[v] - fixed
        rule = rules[job if job >= 0 else end]
        count = _split_node(network, v, rule, fixed, limit, buffer)
        if count < 0:
            return _FULL
        buffer.first[v + 1] = count
    if buffer.first[nodes] == buffer.first[nodes - 1]:
        return 0
    return count


@njit.lean
def _split_node(
    network: Network,
    v: int,
    rule: Words,
    fixed: int,
    limit: int,
    buffer: Buffer,
) -> int:
    """Write the copies of node v, each with the arcs into it; return the number of all copies.

    The first pass finds the copies and counts their arcs, the second one writes these.
    """
    start = buffer.first[v]
    count = start
    mask = buffer.slot.shape[0] - 1
    base = buffer.pointer[start]
    total = 0
    for step in range(2):
        for arc in range(network.pointer[v], network.pointer[v + 1]):
            u = network.source[arc]
            for copy in range(buffer.first[u], buffer.first[u + 1]):
                bits = buffer.bits[copy]
                unfit = bits & rule[BARS] != 0 or bits & rule[NEEDS] != rule[NEEDS]
                if unfit or buffer.ahead[copy] > limit:
                    continue
                bits |= rule[ADDS]
                slot = np.int64((bits * np.uint64(0x9E3779B97F4A7C15)) >> np.uint64(44)) & mask
                while buffer.slot[slot] >= 0 and buffer.bits[buffer.slot[slot]] != bits:
                    slot = (slot + 1) & mask
                node = buffer.slot[slot]
                if step == 1:
                    buffer.source[buffer.pointer[node + 1]] = copy
                    buffer.pointer[node + 1] += 1
                    continue
                if node < 0:
                    if count + 1 >= buffer.origin.shape[0] or count - start >= mask // 2:
                        _forget(buffer, start, count)
                        return _FULL
                    node = count
                    count += 1
                    buffer.slot[slot] = node
                    buffer.origin[node] = v
                    buffer.bits[node] = bits
                    buffer.ahead[node] = INFINITE
                    buffer.pointer[node + 1] = 0
                buffer.pointer[node + 1] += 1
                buffer.ahead[node] = min(buffer.ahead[node], buffer.ahead[copy] + fixed)
                total += 1
        if step == 0:
            if base + total > buffer.source.shape[0]:
                _forget(buffer, start, count)
                return _FULL
            before = base
            for node in range(start, count):
                arcs = buffer.pointer[node + 1]
                buffer.pointer[node + 1] = before
                before += arcs
    _forget(buffer, start, count)
    return count


@njit.lean
def _forget(buffer: Buffer, start: int, count: int) -> None:
    """Empty the slots of a node's copies."""
    mask = buffer.slot.shape[0] - 1
    # Last in, first out: what was found behind a taken slot must still find it taken.
    for node in range(count - 1, start - 1, -1):
        slot = np.int64((buffer.bits[node] * np.uint64(0x9E3779B97F4A7C15)) >> np.uint64(44)) & mask
        while buffer.slot[slot] != node:
            slot = (slot + 1) & mask
        buffer.slot[slot] = -1
