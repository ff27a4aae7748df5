"""Which nodes meet what an item needs of a node; found once for all items that ask the same."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import numpy as np

from scheduling.models.placement.arrays import Flags, Ints
from scheduling.models.placement.check_nodes import taints_in_the_way
from scheduling.models.placement.eligibility import any_term
from scheduling.models.placement.problem import Item, Node, PlacementProblem
from scheduling.models.placement.solution import PlacementSolution
from scheduling.solvers.placement.explaining.inside import NOTHING, fitting, has_parts
from scheduling.solvers.placement.explaining.needs import AMOUNTS, Need, node_needs_of

OTHER = "other rules keep it out (neighbours, gang, quota, budget)"


class NodeTable:
    """The nodes of a problem, empty and as a solution fills them."""

    def __init__(self, problem: PlacementProblem, solution: PlacementSolution) -> None:
        self.problem, self.solution = problem, solution
        self.node_ids = [node.id for node in problem.nodes]
        index = {name: number for number, name in enumerate(self.node_ids)}
        items = {item.id: item for item in problem.items}
        self._used: list[Counter[str]] = [Counter() for _ in problem.nodes]
        self._taken: dict[str, dict[str, Counter[str]]] = {}
        kinds = {(node.id, part.id): part.kind for node in problem.nodes for part in node.parts}
        for entry in solution.placements:
            item = items[entry.item]
            self._used[index[entry.node]].update(item.demands)
            options = {share.kind: share.options for share in item.shares}
            for use in entry.parts:
                need = options[kinds[entry.node, use.part]][use.option]
                taken = self._taken.setdefault(entry.node, {})
                taken.setdefault(use.part, Counter()).update(need)
        self._flags: dict[Any, Flags] = {}
        self._needs: dict[str, list[Need]] = {}
        self._room: dict[tuple[str, bool], Ints] = {}

    def room(self, resource: str, *, empty: bool) -> Ints:
        """Return what each node has of a resource, or what is left of it."""
        key = resource, empty
        if key not in self._room:
            rows = [
                node.capacity.get(resource, 0) - (0 if empty else used[resource])
                for node, used in zip(self.problem.nodes, self._used, strict=True)
            ]
            self._room[key] = np.array(rows, np.int64)
        return self._room[key]

    def meets(self, item: Item, need: Need) -> Flags:
        """Tell for each node, were it empty, whether it meets a need of one of the node kinds."""
        if need.kind == "resource":
            resource = str(need.names[0])
            enough: Flags = self.room(resource, empty=True) >= item.demands[resource]
            return enough
        if need.kind in ("parts", "aligned"):
            return self._with_parts(item, need, empty=True)
        if need.kind == "label":
            key = str(need.names[0])
            value = item.node_selector[key]
            return self._each((key, value), lambda node: node.labels.get(key) == value)
        if need.kind == "affinity":
            terms = item.node_affinity
            return self._each(terms, lambda node: any_term(terms, node))
        if need.kind == "volume":
            reached = item.volumes[int(need.names[0])]
            return self._each(reached, lambda node: any_term(reached, node))
        if need.kind == "taint":
            name = str(need.names[0])
            return self._each(
                (name, item.tolerations),
                lambda node: all(taint.key != name for taint in taints_in_the_way(item, node)),
            )
        return self._each("cordon", lambda node: not node.closed)

    def meets_now(self, item: Item, need: Need) -> Flags:
        """Tell for each node whether it meets a need for an amount beside what stands there."""
        if need.kind != "resource":
            return self._with_parts(item, need, empty=False)
        resource = str(need.names[0])
        enough: Flags = self.room(resource, empty=False) >= item.demands[resource]
        return enough

    def free_but_for(self, item: Item, ignored: Need) -> Flags:
        """Tell for each node whether it meets all an item needs of it now, but for one need."""
        free = np.ones(len(self.node_ids), bool)
        for need in self.node_needs(item):
            if need != ignored:
                free &= self.meets(item, need)
                if need.kind in AMOUNTS:
                    free &= self.meets_now(item, need)
        return free

    def most_parts(self, item: Item, kind: str) -> int:
        """Return the most parts of a kind that one node has free for what an item takes."""
        share = next(share for share in item.shares if share.kind == kind)
        rooms = (
            len(fitting(node, share, self._taken.get(node.id, NOTHING)))
            for node in self.problem.nodes
        )
        return max(rooms, default=0)

    def _with_parts(self, item: Item, need: Need, *, empty: bool) -> Flags:
        """Tell which nodes have the parts of one kind, or all parts in one domain."""
        name = str(need.names[0])
        aligned = need.kind == "aligned"
        shares = tuple(share for share in item.shares if aligned or share.kind == name)

        def fits(node: Node) -> bool:
            taken = NOTHING if empty else self._taken.get(node.id, NOTHING)
            return has_parts(node, shares, name if aligned else None, taken)

        return self._each((need, empty, *(s.model_dump_json() for s in shares)), fits)

    def _each(self, key: Any, test: Callable[[Node], bool]) -> Flags:
        if key not in self._flags:
            self._flags[key] = np.array([test(node) for node in self.problem.nodes], bool)
        return self._flags[key]

    def node_needs(self, item: Item) -> list[Need]:
        """List what an item needs of a node by itself."""
        if item.id not in self._needs:
            self._needs[item.id] = list(node_needs_of(self.problem, item))
        return self._needs[item.id]

    def reasons(self, item: Item, needs: list[Need]) -> tuple[tuple[int, str], ...]:
        """Count the nodes that each reason excludes, the commonest reason first.

        Resources count on nodes that nothing else excludes, as kube-scheduler counts them; the
        reasons hold for the placement found: a full node is full of what stands there then.
        """
        counts: Counter[str] = Counter()
        fits = np.ones(len(self.node_ids), bool)
        for need in needs:
            if need.kind not in AMOUNTS:
                met = self.meets(item, need)
                counts[_reason(item, need)] += int((~met).sum())
                fits &= met
        clear = fits.copy()
        for need in needs:
            if need.kind in AMOUNTS:
                inside = " for its parts in one" if need.kind == "aligned" else ""
                why = f"insufficient{inside} {need.names[0]}"
                large, free = self.meets(item, need), self.meets_now(item, need)
                counts[f"{why} (node too small)"] += int((fits & ~large).sum())
                counts[f"{why} (node full)"] += int((fits & large & ~free).sum())
                clear &= free
        counts[OTHER] += int(clear.sum())
        return tuple((count, why) for why, count in counts.most_common() if count)


def _reason(item: Item, need: Need) -> str:
    if need.kind == "label":
        return f"no label {need.names[0]}={item.node_selector[str(need.names[0])]}"
    if need.kind == "affinity":
        return "not what its node affinity asks for"
    if need.kind == "volume":
        return f"volume {need.names[0]} out of reach"
    return f"untolerated taint {need.names[0]}" if need.kind == "taint" else "cordoned"
