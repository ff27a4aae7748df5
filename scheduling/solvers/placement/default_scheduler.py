"""Solver ``default-scheduler``: what kube-scheduler's default profile does, pod by pod.

Items are taken by falling priority, then in the order of the problem; each goes to the node of the
best score among those that pass the filters, ties to the first name; nothing is moved or evicted.
Gangs, which it does not know, are left out when a part of them found no node. Parts of nodes are
given out as a device plug-in does it: the first that fit.
Scores and weights are those of Kubernetes 1.32's default plug-ins: LeastAllocated and balanced
allocation (weight 1), node affinity (2), taints (3), pod topology spread (2) with the default soft
constraints for items of one owner.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from scheduling.models.placement.arrays import Ints, PlacementArrays
from scheduling.models.placement.eligibility import any_term, tolerates
from scheduling.models.placement.problem import Item, PlacementProblem
from scheduling.solvers.board import Board, Budget
from scheduling.solvers.placement.family import CompiledPlacement
from scheduling.solvers.placement.greedy import offer, whole_gangs
from scheduling.solvers.placement.state import State
from scheduling.solvers.registry import READY, Availability

Floats = NDArray[np.float64]

SCORED = ("cpu", "memory")
"""Resources that the scores look at."""

DEFAULT_REQUESTS = {"cpu": 100, "memory": 200 * 1024**2}
"""What the scores assume of pods that request nothing: milli-CPU and bytes."""

_SOFT_SPREAD = (("kubernetes.io/hostname", 3), ("topology.kubernetes.io/zone", 5))
_AFFINITY, _TAINTS, _SPREAD = 2.0, 3.0, 2.0


class DefaultScheduler:
    """The default scheduler's filters and scores, without preemption."""

    name = "default-scheduler"
    summary = "kube-scheduler's default filter and score, pod by pod, for comparison"

    def availability(self) -> Availability:
        """Tell that it is always ready."""
        return READY

    def refusal(self, data: CompiledPlacement) -> str | None:  # noqa: ARG002
        """Refuse nothing."""
        return None

    def search(
        self,
        data: CompiledPlacement,
        board: Board[Ints],
        budget: Budget,
        hint: Ints | None,  # noqa: ARG002 - it starts from what runs
    ) -> None:
        """Post the one placement."""
        arrays = data.arrays
        state = State(arrays, arrays.now, tight=False)
        scores = _Scores(data.problem, arrays)
        waiting = np.flatnonzero(arrays.now < 0)
        tier = arrays.tier[arrays.of_class]
        for item in waiting[np.lexsort((waiting, tier[waiting]))].tolist():
            if budget.remaining() == 0:
                break
            options = np.flatnonzero(state.options(item))
            if options.size:
                state.put(item, scores.choose(state, item, options))
        offer(data, board, arrays.now, self.name)
        offer(data, board, whole_gangs(state), self.name)


class _Scores:
    def __init__(self, problem: PlacementProblem, arrays: PlacementArrays) -> None:
        self._problem = problem
        nodes = problem.nodes
        self._capacity = np.array(
            [[node.capacity.get(name, 0) for name in SCORED] for node in nodes], float
        )
        self._asked = np.array([[_request(i, name) for name in SCORED] for i in problem.items])
        self._names = np.argsort(np.argsort(np.array([node.id for node in nodes])))
        owners: dict[tuple[str, str], int] = {}
        self._owner = np.array(
            [
                -1
                if item.owner is None
                else owners.setdefault((item.namespace, item.owner), len(owners))
                for item in problem.items
            ]
        )
        self._zones = []
        for key, skew in _SOFT_SPREAD:
            values: dict[str, int] = {}
            host = key.endswith("hostname")
            rows = [
                values.setdefault(node.labels.get(key, node.id if host else ""), len(values))
                for node in nodes
            ]
            if host or any(key in node.labels for node in nodes):
                self._zones.append((np.array(rows), len(values), skew))
        self._used = np.zeros_like(self._capacity)
        for item, node in enumerate(arrays.places.nodes(arrays.now).tolist()):
            if node >= 0:
                self._used[node] += self._asked[item]

    def choose(self, state: State, item: int, options: Ints) -> int:
        """Return the node of the best score; ties go to the first name."""
        total = self._resources(item, options)
        total += _AFFINITY * self._preferred(item, options)
        total += _TAINTS * self._untainted(item, options)
        total += _SPREAD * self._spread(state, item, options)
        order = np.lexsort((self._names[options], -total))
        chosen = int(options[order[0]])
        self._used[chosen] += self._asked[item]
        return chosen

    def _resources(self, item: int, options: Ints) -> Floats:
        """LeastAllocated plus balanced allocation, each from 0 to 100, in whole numbers."""
        capacity = np.maximum(self._capacity[options], 1.0)
        share = np.minimum((self._used[options] + self._asked[item]) / capacity, 1.0)
        least = np.floor(np.floor((1.0 - share) * 100.0).mean(axis=1))
        balanced = np.floor((1.0 - share.std(axis=1)) * 100.0)
        found: Floats = least + balanced
        return found

    def _preferred(self, item: int, options: Ints) -> Floats:
        wishes = self._problem.items[item].preferences
        score = np.zeros(len(options))
        for wish in wishes:
            for row, node in enumerate(options.tolist()):
                score[row] += wish.weight * any_term((wish.term,), self._problem.nodes[node])
        return _scaled(score)

    def _untainted(self, item: int, options: Ints) -> Floats:
        tolerations = self._problem.items[item].tolerations
        soft = np.array(
            [
                sum(
                    taint.effect == "PreferNoSchedule" and not tolerates(tolerations, taint)
                    for taint in self._problem.nodes[node].taints
                )
                for node in options.tolist()
            ],
            float,
        )
        return 100.0 - _scaled(soft)

    def _spread(self, state: State, item: int, options: Ints) -> Floats:
        """Soft topology spread over hosts and zones of the items of one owner."""
        owner = self._owner[item]
        if owner < 0 or self._problem.items[item].spread:
            return np.zeros(len(options))
        placed = state.node[(self._owner == owner) & (state.node >= 0)]
        score = np.zeros(len(options))
        for of, count, skew in self._zones:
            numbers = np.bincount(of[placed], minlength=count)
            present = len(np.unique(of[options]))
            score += numbers[of[options]] * math.log(present + 2) + (skew - 1)
        score = np.round(score)
        high, low = score.max(), score.min()
        if high == 0:
            return np.full(len(options), 100.0)
        found: Floats = np.floor(100.0 * (high + low - score) / high)
        return found


def _request(item: Item, name: str) -> int:
    return item.demands.get(name, 0) or DEFAULT_REQUESTS[name]


def _scaled(score: Floats) -> Floats:
    """Scale to whole numbers from 0 to 100."""
    high = score.max(initial=0.0)
    return np.floor(100.0 * score / high) if high > 0 else score
