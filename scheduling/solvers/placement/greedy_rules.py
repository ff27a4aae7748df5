"""Solver ``greedy``: pending items one by one, each on the node of the best score by a rule.

The rules are those against which fragmentation gradient descent was measured (Weng et al., Beware
of Fragmentation, ATC 2023), over any resources and parts. Scores are lowest first.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scheduling.errors import UnsupportedError
from scheduling.models.placement.arrays import Flags, Ints, PlacementArrays
from scheduling.models.placement.goals import by_domain, crowd
from scheduling.solvers.board import Board, Budget
from scheduling.solvers.placement.construction import Construction
from scheduling.solvers.placement.family import CompiledPlacement
from scheduling.solvers.placement.greedy import whole_gangs
from scheduling.solvers.placement.growth import Growth
from scheduling.solvers.placement.state import State

Floats = NDArray[np.float64]


class Greedy(Construction):
    """Filter and score, item by item, without moves and evictions.

    Pending items are taken by falling priority, then in the order of the problem; ties of the rule
    are broken by best fit, then by the order of the nodes. On its node an item takes the parts that
    have least left. Gangs of which a part found no node are left out.

    Parameters
    ----------
    rule
        Name of a rule: ``best-fit`` (least sum of the shares of all resources that stay free),
        ``dot-product`` (least product of what is asked and what is free, both as shares),
        ``gpu-packing`` (parts in use before free parts of nodes in use before nodes not in use),
        ``gpu-clustering`` (nodes whose items ask for the same parts), ``fgd`` (least growth of
        what the requests of the problem's workload cannot use, on nodes and parts), ``goals``
        (least growth of the problem's goals, in their order). Default: all
        that the problem has the data for in turn, the best kept.

    Raises
    ------
    UnsupportedError
        For a rule that there is not.
    """

    name = "greedy"
    summary = "by a rule: best-fit, dot-product, gpu-packing, gpu-clustering, fgd, goals"

    def __init__(self, rule: str | None = None) -> None:
        if rule is not None and rule not in RULES:
            raise UnsupportedError.unknown("greedy rule", rule, RULES)
        self._rule = rule

    def refusal(self, data: CompiledPlacement) -> str | None:
        """Refuse fgd without a workload."""
        if self._rule == "fgd" and data.arrays.workload is None:
            return "the rule fgd needs the workload that fragmentation is measured against"
        return None

    def placements(
        self, data: CompiledPlacement, board: Board[Ints], budget: Budget
    ) -> Iterator[tuple[str, Ints]]:
        """Yield what runs and the placement of each rule."""
        yield self.name, data.arrays.now
        known = [name for name in RULES if _has_data(name, data.arrays)]
        for name in known if self._rule is None else [self._rule]:
            view = View(data.arrays)
            if not view.fill(name, lambda: board.stopped or budget.remaining() == 0):
                return
            yield f"{self.name}:{name}", whole_gangs(view.state)


def _has_data(rule: str, arrays: PlacementArrays) -> bool:
    if rule == "goals":
        return any(goal in _ADDED for goal in arrays.goals)
    return rule != "fgd" or arrays.workload is not None


class View:
    """A growing placement as rules see it.

    Attributes
    ----------
    state
        The placement.
    arrays
        The problem.
    wants
        (K,) number of what a class asks of parts: equal for equal shares, -1 for none.
    """

    def __init__(self, arrays: PlacementArrays) -> None:
        self.arrays = arrays
        self.state = State(arrays, arrays.now)
        numbers: dict[int, int] = {}
        self.wants = np.array(
            [
                numbers.setdefault(id(shares), len(numbers)) if shares else -1
                for shares in arrays.parts.shares
            ],
            np.int64,
        )
        self._named = np.arange(arrays.n_named)
        self._kinds = self._part_columns()
        room = self._room(arrays.capacity, arrays.parts.capacity)
        self._most = room.max(axis=0, initial=1.0)

    @cached_property
    def growth(self) -> Growth | None:
        """Growth of fragmentation; ``None`` without a workload."""
        workload = self.arrays.workload
        return None if workload is None else Growth(self.arrays, workload, self.state)

    def fill(self, name: str, over: Callable[[], bool]) -> bool:
        """Place what is pending; ``False`` when time ran out."""
        arrays, state = self.arrays, self.state
        waiting = np.flatnonzero(arrays.now < 0)
        tier = arrays.tier[arrays.of_class]
        descends = name == "fgd" or (name == "goals" and "fragmentation" in arrays.goals)
        for item in waiting[np.lexsort((waiting, tier[waiting]))].tolist():
            if over():
                return False
            options = np.flatnonzero(state.options(item))
            if options.size:
                k = int(arrays.of_class[item])
                tie = best_fit(self, k, options)
                order = np.lexsort((options, tie, RULES[name](self, k, options)))
                node = int(options[order[0]])
                if descends and self.growth is not None:
                    state.put(item, self.growth.place(k, node))
                    self.growth.changed(node)
                else:
                    state.put(item, node)
        return True

    def _part_columns(self) -> list[tuple[str, Flags, int]]:
        """Return each kind, with the parts of it, and each resource that items take of it."""
        parts = self.arrays.parts
        taken: dict[str, Any] = {}
        for shares in parts.shares:
            for share in shares:
                taken[share.kind] = taken.get(share.kind, 0) + share.need.sum(axis=0)
        kinds = np.array(parts.kind, object)
        return [
            (kind, kinds == kind, column)
            for kind, need in taken.items()
            for column in np.flatnonzero(need).tolist()
        ]

    def _room(self, nodes: Ints, parts: Ints) -> Floats:
        """Amounts of nodes, with the sums over their parts beside them."""
        arrays = self.arrays
        sums = [
            np.bincount(arrays.parts.node[mine], parts[mine, column], arrays.n_nodes)
            for _, mine, column in self._kinds
        ]
        return np.column_stack([nodes[:, self._named], *sums]).astype(float)

    def free(self, nodes: Ints) -> Floats:
        """Return what is free on nodes as shares of the largest capacity of any node."""
        room = self._room(self.state.free, self.state.part_free)
        shares: Floats = room[nodes] / self._most
        return shares

    def parts_free(self, nodes: Ints) -> Floats:
        """Return what is free of the parts of nodes, as shares of the largest of any node."""
        return self.free(nodes)[:, len(self._named) :]

    def asked(self, k: int) -> Floats:
        """Return what an item of a class asks for, in the same shares; of parts at least."""
        arrays = self.arrays
        shares = {share.kind: share for share in arrays.parts.shares[k]}
        inside = []
        for kind, _, column in self._kinds:
            share = shares.get(kind)
            inside.append(0 if share is None else share.count * share.need[:, column].min())
        need: Floats = np.array([*arrays.demand[k, self._named], *inside], float)
        shared: Floats = need / self._most
        return shared

    def chosen(self, k: int, nodes: Ints) -> tuple[Floats, Ints, Ints]:
        """Return what the tightest parts for a class have left on each node.

        Returns
        -------
        tuple
            Shares of the capacity that are free on them before, how many of them are free as a
            whole, and how many free ones of the kinds the node has in all; -1 in the last where
            the node has other parts in use.
        """
        arrays, state, parts = self.arrays, self.state, self.arrays.parts
        domains = parts.domains[k]
        left = np.zeros(len(domains.node))
        whole = np.zeros(len(domains.node), np.int64)
        idle = np.zeros(arrays.n_nodes, np.int64)
        used = np.zeros(arrays.n_nodes, bool)
        fits = parts.domains_with_room(k, state.part_free)
        for share in parts.shares[k]:
            rows = share.parts
            some = parts.fitting(share, state.part_free).any(axis=1) & (domains.of[rows] >= 0)
            free = state.part_free[rows]
            empty = np.all(free == parts.capacity[rows], axis=1)
            np.add.at(idle, parts.node[rows], empty)
            used[parts.node[rows[~empty]]] = True
            share_left = _mean_share(free, parts.capacity[rows])
            order = np.flatnonzero(some)
            order = order[np.lexsort((share_left[order], domains.of[rows[order]]))]
            of = domains.of[rows[order]]
            first = np.searchsorted(of, of)
            taken = order[np.arange(len(of)) - first < share.count]
            np.add.at(left, domains.of[rows[taken]], share_left[taken])
            np.add.at(whole, domains.of[rows[taken]], empty[taken])
        idle[used] = -1
        best = np.full(arrays.n_nodes, -1, np.int64)
        for domain in np.flatnonzero(fits)[np.argsort(-left[fits], kind="stable")].tolist():
            best[domains.node[domain]] = domain
        return left[best[nodes]], whole[best[nodes]], idle[nodes]


Rule = Callable[[View, int, Ints], Floats]


def _mean_share(free: Ints, capacity: Ints) -> Floats:
    """Mean over the resources that parts have of the share that is free."""
    present = capacity > 0
    share = np.where(present, free / np.maximum(capacity, 1), 0.0).sum(axis=1)
    mean: Floats = share / np.maximum(present.sum(axis=1), 1)
    return mean


def best_fit(view: View, k: int, nodes: Ints) -> Floats:
    """Sum of the shares of all resources that stay free."""
    left: Floats = (view.free(nodes) - view.asked(k)).sum(axis=1)
    return left


def dot_product(view: View, k: int, nodes: Ints) -> Floats:
    """Product of what is asked and what is free; the least is best, as it was measured there.

    Tetris (Grandl et al., 2014), from which the rule comes, takes the greatest.
    """
    product: Floats = view.free(nodes) @ view.asked(k)
    return product


def gpu_packing(view: View, k: int, nodes: Ints) -> Floats:
    """Parts in use with least left, then fewest free parts of nodes in use, then other nodes."""
    if not view.arrays.parts.shares[k]:
        return np.zeros(len(nodes))
    left, whole, idle = view.chosen(k, nodes)
    # Left and numbers of parts stay below a thousand, the limit of a share's count.
    of_used = np.where(whole > 0, 1e4 + whole, left)
    return np.where(idle >= 0, 2e4 + idle, of_used)


def gpu_clustering(view: View, k: int, nodes: Ints) -> Floats:
    """Nodes with such items only, then among others, then nodes without any, then the rest."""
    want = view.wants[k]
    if want < 0:
        return np.zeros(len(nodes))
    counts = view.state.counts[:, nodes]
    same = counts[view.wants == want].any(axis=0)
    other = counts[(view.wants >= 0) & (view.wants != want)].any(axis=0)
    group = np.select([same & ~other, same, ~other], [0.0, 1.0, 2.0], 3.0)
    free = view.parts_free(nodes)
    # Items may name parts and take nothing of them.
    packed: Floats = group + free.sum(axis=1) / max(1, free.shape[1]) / 2
    return packed


def fgd(view: View, k: int, nodes: Ints) -> Floats:
    """Growth of what requests cannot use."""
    if view.growth is None:
        return np.zeros(len(nodes))
    return view.growth.of(k, nodes).astype(float)


def goals(view: View, k: int, nodes: Ints) -> Floats:
    """Rank of the nodes by what an item adds to the goals, one after the other."""
    found = [_ADDED[goal](view, k, nodes) for goal in view.arrays.goals if goal in _ADDED]
    if not found or not nodes.size:
        return np.zeros(len(nodes))
    _, rank = np.unique(np.column_stack(found), axis=0, return_inverse=True)
    return rank.ravel().astype(float)


def _added_nodes(view: View, k: int, nodes: Ints) -> Floats:  # noqa: ARG001
    return (~view.state.counts[:, nodes].any(axis=0)).astype(float)


def _added_cost(view: View, k: int, nodes: Ints) -> Floats:
    return _added_nodes(view, k, nodes) * view.arrays.node_cost[nodes]


def _added_preferences(view: View, k: int, nodes: Ints) -> Floats:
    arrays, counts = view.arrays, view.state.counts
    cost = arrays.aims.wish_cost
    lost: Floats = np.zeros(len(nodes)) if cost is None else cost[k, nodes].astype(float)
    for wish in arrays.aims.wishes:
        if wish.owner == k:
            domains = arrays.domains[wish.domains]
            near = by_domain(domains, counts[list(wish.meant)].sum(axis=0)) > 0
            near[-1] = False
            lost += wish.weight * (near[domains.of[nodes]] == wish.apart)
    return lost


def _added_balance(view: View, k: int, nodes: Ints) -> Floats:
    gauge = view.arrays.aims.balance
    share = np.zeros(view.arrays.n_nodes)
    if gauge is None:
        return share[nodes]
    if gauge.columns is None:
        used = view.state.counts[:, gauge.rows].T @ gauge.need.T + gauge.need[:, k]
        share[gauge.rows] = (used / gauge.capacity[:, None]).max(axis=1, initial=0.0)
    else:
        free = view.state.part_free[np.ix_(gauge.rows, gauge.columns)].max(axis=1, initial=0)
        home = view.arrays.parts.node[gauge.rows]
        share[:] = 1.0
        # The emptiest part of a node takes it.
        np.minimum.at(share, home, 1.0 - free / gauge.capacity)
    return share[nodes]


def _added_spread(view: View, k: int, nodes: Ints) -> Floats:
    aims = view.arrays.aims.spread
    owner = next((o for o in aims.owners if k in o), None) if aims is not None else None
    if aims is None or owner is None:
        return np.zeros(len(nodes))
    return crowd(aims, owner, view.state.counts)[aims.of[nodes]].astype(float)


def _added_interference(view: View, k: int, nodes: Ints) -> Floats:
    counts = view.state.counts[:, nodes]
    lost = np.zeros(len(nodes))
    for clash in view.arrays.aims.clashes:
        if k in clash.victims:
            lost += clash.degradation * counts[list(clash.neighbours)].sum(axis=0)
        if k in clash.neighbours:
            lost += clash.degradation * counts[list(clash.victims)].sum(axis=0)
    return lost


MEASURED = ("preferences", "balance", "spread", "interference", "fragmentation")
"""Goals that a greedy had better look at."""

_ADDED: dict[str, Rule] = {
    "nodes": _added_nodes,
    "cost": _added_cost,
    "preferences": _added_preferences,
    "balance": _added_balance,
    "spread": _added_spread,
    "interference": _added_interference,
    "fragmentation": fgd,
}

RULES: dict[str, Rule] = {
    "best-fit": best_fit,
    "dot-product": dot_product,
    "gpu-packing": gpu_packing,
    "gpu-clustering": gpu_clustering,
    "fgd": fgd,
    "goals": goals,
}
