"""Solver ``default-scheduler``: what kube-scheduler's default profile does, pod by pod.

Items are taken by falling priority, then in the order of the problem; each goes to the node of the
best score among those that pass the filters, ties to the first name; nothing is moved or evicted.
Gangs, which it does not know, are left out when a part of them found no node. Parts of nodes are
given out as a device plug-in does it: the first that fit.
Scores and weights are those of Kubernetes 1.32's default plug-ins: LeastAllocated and balanced
allocation (weight 1), node affinity (2), taints (3), preferred affinity between pods (2), and pod
topology spread (2), with the default soft constraints for items of one owner that have none.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from scheduling.models.placement.arrays import Flags, Ints, PlacementArrays
from scheduling.models.placement.eligibility import any_term, selects, tolerates
from scheduling.models.placement.problem import Item, PlacementProblem
from scheduling.models.placement.rules import Selector
from scheduling.solvers.board import Board, Budget
from scheduling.solvers.placement.construction import Construction
from scheduling.solvers.placement.family import CompiledPlacement
from scheduling.solvers.placement.greedy import whole_gangs
from scheduling.solvers.placement.neighbour_scores import NeighbourScores
from scheduling.solvers.placement.state import State

Floats = NDArray[np.float64]

SCORED = ("cpu", "memory")
"""Resources that the scores look at."""

DEFAULT_REQUESTS = {"cpu": 100, "memory": 200 * 1024**2}
"""What the scores assume of pods that request nothing: milli-CPU and bytes."""

HOSTNAME = "kubernetes.io/hostname"
"""Label of a node's own name."""

_SOFT_SPREAD = ((HOSTNAME, 3), ("topology.kubernetes.io/zone", 5))
_AFFINITY, _TAINTS, _SPREAD, _NEIGHBOURS = 2.0, 3.0, 2.0, 2.0


class DefaultScheduler(Construction):
    """The default scheduler's filters and scores, without preemption."""

    name = "default-scheduler"
    summary = "kube-scheduler's default filter and score, pod by pod, for comparison"

    def placements(
        self,
        data: CompiledPlacement,
        board: Board[Ints],  # noqa: ARG002 - it has only one answer
        budget: Budget,
    ) -> Iterator[tuple[str, Ints]]:
        """Yield what runs and the one placement."""
        arrays = data.arrays
        yield self.name, arrays.now
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
        yield self.name, whole_gangs(state)


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
        self._found: dict[str, tuple[Ints, int]] = {}
        self._crowds: dict[str, Flags] = {}
        self._neighbours = NeighbourScores(problem)
        self._used = np.zeros_like(self._capacity)
        for item, node in enumerate(arrays.places.nodes(arrays.now).tolist()):
            if node >= 0:
                self._used[node] += self._asked[item]

    def _known(self, key: str) -> bool:
        return key == HOSTNAME or any(key in node.labels for node in self._problem.nodes)

    def _domains(self, key: str) -> tuple[Ints, int]:
        """Return the domain of each node, and how many there are; hosts stand for themselves."""
        if key not in self._found:
            values: dict[str, int] = {}
            rows = [
                values.setdefault(
                    node.labels.get(key, node.id if key == HOSTNAME else ""), len(values)
                )
                for node in self._problem.nodes
            ]
            self._found[key] = np.array(rows), len(values)
        return self._found[key]

    def _meant(self, namespace: str, selector: Selector) -> Flags:
        """Return which items a selector means in a namespace."""
        key = f"{namespace} {selector.model_dump_json()}"
        if key not in self._crowds:
            meant = [
                other.namespace == namespace
                and not other.leaving
                and selects(selector, other.labels)
                for other in self._problem.items
            ]
            self._crowds[key] = np.array(meant, bool)
        return self._crowds[key]

    def choose(self, state: State, item: int, options: Ints) -> int:
        """Return the node of the best score; ties go to the first name."""
        total = self._resources(item, options)
        total += _AFFINITY * self._preferred(item, options)
        total += _TAINTS * self._untainted(item, options)
        total += _SPREAD * self._spread(state, item, options)
        total += _NEIGHBOURS * self._neighbours.of(state.node, item, options)
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
        """Soft topology spread: own wishes, or hosts and zones for items of one owner."""
        owner, stated = self._owner[item], self._problem.items[item]
        score = np.zeros(len(options))
        if stated.soft_spread:
            rules = [(*self._domains(wish.topology), wish.max_skew) for wish in stated.soft_spread]
            crowds = [self._meant(stated.namespace, wish.selector) for wish in stated.soft_spread]
        elif owner < 0 or stated.spread:
            return score
        else:
            rules = [(*self._domains(key), skew) for key, skew in _SOFT_SPREAD if self._known(key)]
            crowds = [self._owner == owner] * len(rules)
        for (of, count, skew), crowd in zip(rules, crowds, strict=True):
            numbers = np.bincount(of[state.node[crowd & (state.node >= 0)]], minlength=count)
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
