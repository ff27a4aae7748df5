"""Baselines of VM rescheduling: the greedy of the paper, and a split of the hosts into parts."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scheduling.instances.placement.vms import described
from scheduling.models.placement.problem import PlacementProblem
from scheduling.models.placement.solution import PlacementSolution
from scheduling.scenarios.solving import solve

Ints = NDArray[np.int64]


@dataclass(slots=True)
class _Cluster:
    """Hosts with what is free of each NUMA node, and virtual machines with their places.

    Attributes
    ----------
    free : (m, 2, 2) cores and memory that are free, by host and NUMA node.
    host : (n,) host of each machine.
    takes : (n, 2) whether it takes a NUMA node.
    need : (n, 2) cores and memory that it takes of each.
    pinned : (n,) whether it may not move.
    """

    free: Ints
    host: Ints
    takes: NDArray[np.bool_]
    need: Ints
    pinned: NDArray[np.bool_]


def _cluster(problem: PlacementProblem) -> _Cluster:
    found = described(problem, "vmr2l")
    index = {host.name: number for number, host in enumerate(found.hosts)}
    free = np.array([host.rooms for host in found.hosts], np.int64)
    host = np.array([index[machine.host] for machine in found.machines], np.int64)
    takes = np.array([[number in m.takes for number in (0, 1)] for m in found.machines], bool)
    need = np.array([machine.need for machine in found.machines], np.int64)
    for number, machine in enumerate(found.machines):
        free[host[number], list(machine.takes)] -= machine.need
    pinned = np.array([machine.pinned for machine in found.machines], bool)
    return _Cluster(free, host, takes, need, pinned)


def greedy_rescheduling(problem: PlacementProblem) -> int:
    """Return the fragments that the heuristic HA of VM2RL leaves.

    Among the machines of at most one unit of cores, the one whose leaving lowers the fragments of
    its host most moves to the NUMA node of another host where its arrival lowers them most, until
    the two together lower nothing or the limit on moves is reached.

    Parameters
    ----------
    problem
        A rescheduling of virtual machines.
    """
    unit = 1 if problem.fragment is None else problem.fragment.unit
    cluster = _cluster(problem)
    small = ~cluster.pinned & (cluster.need[:, 0] * cluster.takes.sum(axis=1) <= unit)
    limit = len(cluster.host) if problem.max_moves is None else problem.max_moves
    moved = 0
    while moved < limit and small.any() and _move(cluster, small, unit):
        moved += 1
    return int((cluster.free[:, :, 0] % unit).sum())


def _move(cluster: _Cluster, small: NDArray[np.bool_], unit: int) -> bool:
    """Make the best move; tell whether there was one."""
    cores = cluster.free[:, :, 0]
    here = cores[cluster.host]
    after = here + cluster.need[:, :1] * cluster.takes
    out = ((here % unit) - (after % unit)).sum(axis=1)
    machine = int(np.where(small, out, np.iinfo(np.int64).min).argmax())
    takes, need = cluster.takes[machine], cluster.need[machine]
    fits = np.all(cluster.free >= need, axis=2)
    lowered = (cores % unit) - ((cores - need[0]) % unit)
    if takes.all():
        gain = np.where(fits.all(axis=1), lowered.sum(axis=1), np.iinfo(np.int64).min)[:, None]
    else:
        gain = np.where(fits, lowered, np.iinfo(np.int64).min)
    gain[cluster.host[machine]] = np.iinfo(np.int64).min
    host, node = np.unravel_index(int(gain.argmax()), gain.shape)
    if gain[host, node] == np.iinfo(np.int64).min or out[machine] + gain[host, node] <= 0:
        return False
    cluster.free[cluster.host[machine], takes] += need
    if not takes.all():
        cluster.takes[machine] = np.arange(2) == node
    cluster.host[machine] = host
    cluster.free[host, cluster.takes[machine]] -= need
    return True


def split_rescheduling(
    problem: PlacementProblem, now: PlacementSolution, parts: int, seconds: float, seed: int
) -> int:
    """Return the fragments that solving parts of the hosts one by one leaves (POP).

    The hosts are dealt out at random, and each part may make its share of the moves; CP-SAT solves
    each within its share of the time.

    Parameters
    ----------
    problem
        A rescheduling of virtual machines.
    now
        Where the machines are, from which each part starts.
    parts
        Number of parts.
    seconds
        For all of them.
    seed
        Of the draws.
    """
    order = np.random.default_rng(seed).permutation(len(problem.nodes))
    total = 0
    for number in range(parts):
        nodes = tuple(problem.nodes[row] for row in sorted(order[number::parts].tolist()))
        if not nodes:
            continue
        names = {node.id for node in nodes}
        moves = problem.max_moves
        part = problem.model_copy(
            update={
                "nodes": nodes,
                "items": tuple(item for item in problem.items if item.node in names),
                "max_moves": None if moves is None else moves // parts,
            }
        )
        mine = {item.id for item in part.items}
        start = now.model_copy(
            update={"placements": tuple(entry for entry in now.placements if entry.item in mine)}
        )
        answer: PlacementSolution = solve(
            part, "cp-sat", time_limit=seconds / parts, workers=1, seed=seed, hint=start
        )
        total += sum(int(t.objective or 0) for t in answer.tiers if t.name == "fragments")
    return total
