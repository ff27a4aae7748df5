"""Solver ``eplb``: the published rule of DeepSeek's expert-parallel load balancer."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from scheduling.models.experts.arrays import ExpertArrays, Ints
from scheduling.solvers.bases import OnePass
from scheduling.solvers.board import Board
from scheduling.solvers.experts.family import CompiledExperts


class Eplb(OnePass):
    """Groups to nodes, copies to the experts with the most load each, copies to devices.

    Source: ``rebalance_experts`` of github.com/deepseek-ai/EPLB. Each step packs longest first onto
    the lightest that has room. Without a hierarchy there is one node and one group.
    """

    name = "eplb"
    summary = "the published rule of DeepSeek's expert-parallel load balancer"

    def post(self, data: CompiledExperts, board: Board[Ints]) -> None:
        """Post the one placement that the rule gives, where it finds room for all."""
        found = eplb(data.arrays)
        if found is not None:
            offer(data, board, found, self.name)


def offer(data: CompiledExperts, board: Board[Ints], counts: Ints, name: str) -> bool:
    """Post a placement that keeps the limit on loads; True when it is the new best."""
    arrays = data.arrays
    if arrays.limit is not None and arrays.largest_load(counts) > arrays.limit:
        return False
    return board.offer(counts, data.values(counts), name)


def eplb(arrays: ExpertArrays) -> Ints | None:
    """Place by the published rule; ``None`` when a node's experts do not fit into its slots."""
    of_group = np.bincount(arrays.group, arrays.load, arrays.n_groups)
    each = arrays.n_groups // arrays.n_nodes
    home = np.array(pack(of_group.tolist(), [each] * arrays.n_nodes), np.int64)
    return fill_nodes(arrays, home)


def fill_nodes(arrays: ExpertArrays, home: Ints) -> Ints | None:
    """Place the experts of each node in its devices, given the node of each group."""
    counts = np.zeros(arrays.held.shape, np.int64)
    for node in range(arrays.n_nodes):
        devices = np.flatnonzero(arrays.node == node)
        experts = np.flatnonzero(home[arrays.group] == node)
        slots = arrays.slots[devices].tolist()
        copies = replicate(arrays.load[experts].tolist(), sum(slots))
        if copies is None:
            return None
        owners = np.repeat(experts, copies)
        shares = np.repeat(arrays.load[experts] / copies, copies)
        where = pack(shares.tolist(), slots)
        np.add.at(counts, (devices[where], owners), 1)
    return counts


def replicate(loads: Sequence[int], slots: int) -> Ints | None:
    """Give each next copy to the expert with the largest load per copy."""
    if slots < len(loads):
        return None
    load, copies = np.array(loads, float), np.ones(len(loads), np.int64)
    for _ in range(slots - len(loads)):
        copies[np.argmax(load / copies)] += 1
    return copies


def pack(weights: Sequence[float], room: Sequence[int]) -> list[int]:
    """Pack of each weight: longest first onto the lightest pack that has room."""
    left, total = list(room), [0.0] * len(room)
    chosen = [0] * len(weights)
    for index in sorted(range(len(weights)), key=lambda index: -weights[index]):
        pick = min((k for k in range(len(left)) if left[k]), key=lambda k: total[k])
        chosen[index] = pick
        left[pick] -= 1
        total[pick] += weights[index]
    return chosen
