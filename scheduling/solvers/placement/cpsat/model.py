"""The CP-SAT formulation of a placement problem.

One integer for each class of equal items and each node: how many of the class stand there; a second
one, where some of them run there now, for those that stay. Equal items are thus never told apart,
which takes out most symmetries. Rules over domains (anti-affinity, affinity, spread) hang on one
literal for each class and domain that something arrives.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property
from typing import Any

import numpy as np
from ortools.sat.python import cp_model

from scheduling.models.placement.arrays import NOWHERE, Flags, Ints, PlacementArrays, Rule
from scheduling.models.placement.parts import MAX_TOTAL
from scheduling.solvers.placement.cpsat.affinity import keep_together
from scheduling.solvers.placement.cpsat.gangs import add_gangs
from scheduling.solvers.placement.cpsat.goals import goal_expression
from scheduling.solvers.placement.cpsat.measures import limit_balance, limit_interference
from scheduling.solvers.placement.cpsat.parts import PartCells

Expression = Any


class Formulation:
    """CP-SAT model of a problem or of a part of it.

    Parameters
    ----------
    arrays
        The problem.
    nodes
        Nodes of the part; ``None``: all. Items on other nodes stay where ``place`` has them.
    place
        Place of each item, for the nodes outside the part.
    counts
        In place of ``place``, where nothing takes parts of nodes: items of each class on each
        node, (K, m).
    caps
        Values that the first tiers may not exceed.
    """

    def __init__(
        self,
        arrays: PlacementArrays,
        caps: tuple[int, ...],
        nodes: Iterable[int] | None = None,
        place: Ints | None = None,
        counts: Ints | None = None,
    ) -> None:
        self.arrays = arrays
        self.model = cp_model.CpModel()
        self._part = np.arange(arrays.n_nodes)
        if nodes is not None:
            self._part = np.unique(np.array(list(nodes), np.int64))
        self.free = np.isin(np.arange(arrays.n_nodes), self._part)
        self.settled = np.full(arrays.n_items, NOWHERE, np.int64)
        if counts is not None:
            self.fixed: Ints = np.where(self.free, 0, counts)
            self._still: Ints = np.minimum(self.fixed, arrays.running)
        else:
            if nodes is not None and place is not None:
                left = (place >= 0) & ~self.free[arrays.places.nodes(place)]
                self.settled[left] = place[left]
            self.fixed = arrays.counts(self.settled)
            self._still = arrays.staying(self.settled)
        self._size: list[int] = arrays.size().tolist()
        self._present: list[int] = arrays.running.sum(axis=1).tolist()
        self._outside: list[int] = self.fixed.sum(axis=1).tolist()
        self._unmoved: list[int] = self._still.sum(axis=1).tolist()
        self.parts = PartCells(self.model, arrays)
        self.count: dict[tuple[int, int], Expression] = {}
        self._limit: dict[tuple[int, int], int] = {}
        self._by_class: dict[int, list[tuple[int, Expression]]] = {}
        self.by_node: dict[int, list[int]] = {}
        self._stay: dict[tuple[int, int], Expression] = {}
        self._arrivals: dict[tuple[int, int, int], Expression] = {}
        self._make_cells()
        self._add_capacities()
        self.placed = [self.total([k]) for k in self._classes()]
        self.stayed = [self._stays(k) for k in self._classes()]
        self._add_sizes()
        self._add_rules()
        add_gangs(self)
        self._add_limits()
        self.tiers = self._tiers()
        limit_interference(self)
        for tier, cap in zip(self.tiers, caps, strict=False):
            self.model.add(tier <= min(cap, MAX_TOTAL))
        for goal, cap in zip(arrays.goals, caps[arrays.n_priorities :], strict=False):
            if goal == "balance":
                limit_balance(self, cap)

    def _classes(self) -> range:
        return range(self.arrays.n_classes)

    def _make_cells(self) -> None:
        """Make the numbers of items; nodes outside the part have constants."""
        model, most = self.model, self._most()
        running, held = self.arrays.running[:, self._part], self.arrays.held[:, self._part]
        reachable = self.arrays.reachable[:, self._part]
        for k, column in np.argwhere(most > 0).tolist():
            j, limit = int(self._part[column]), int(most[k, column])
            ran, stuck = int(running[k, column]), int(held[k, column])
            if self.arrays.parts.shares[k]:
                number, self._stay[k, j] = self.parts.add(k, j, limit)
            else:
                number = model.new_int_var(stuck, limit, "")
            self.count[k, j], self._limit[k, j] = number, limit
            self._by_class.setdefault(k, []).append((j, number))
            self.by_node.setdefault(j, []).append(k)
            if self.arrays.parts.shares[k]:
                continue
            if ran and not reachable[k, column]:
                self._stay[k, j] = number
            elif ran:
                stay = model.new_int_var(stuck, min(ran, limit), "")
                model.add(stay <= number)
                self._stay[k, j] = stay

    def _most(self) -> Ints:
        """Most items of each class that each node of the part can hold by itself, (K, part)."""
        arrays, part = self.arrays, self._part
        left = (np.array(self._size) - np.array(self._outside)).astype(np.int64)[:, None]
        found: Ints = np.where(arrays.reachable[:, part], left, arrays.running[:, part])
        found = np.minimum(found, left)
        for column in range(arrays.demand.shape[1]):
            needing = np.flatnonzero(arrays.demand[:, column] > 0)
            fits = arrays.capacity[part, column] // arrays.demand[needing, column][:, None]
            found[needing] = np.minimum(found[needing], fits)
        return np.maximum(found, arrays.held[:, part])

    def total(self, classes: Iterable[int], nodes: Flags | None = None) -> Expression:
        """Items of some classes on some nodes, or on all; a number where the part has none."""
        chosen = list(classes)
        numbers = [
            number
            for k in chosen
            for j, number in self._by_class.get(k, ())
            if nodes is None or nodes[j]
        ]
        if nodes is None:
            fixed = sum(self._outside[k] for k in chosen)
        else:
            fixed = int(self.fixed[chosen][:, nodes].sum())
        return cp_model.LinearExpr.sum(numbers) + fixed if numbers else fixed

    def _stays(self, k: int) -> Expression:
        """Items of a class that stay where they run."""
        numbers = [self._stay[k, j] for j, _ in self._by_class.get(k, ()) if (k, j) in self._stay]
        still = self._unmoved[k]
        return cp_model.LinearExpr.sum(numbers) + still if numbers else still

    def _add_capacities(self) -> None:
        arrays = self.arrays
        for j, classes in self.by_node.items():
            numbers = [self.count[k, j] for k in classes]
            for column in range(arrays.demand.shape[1]):
                needs = arrays.demand[classes, column].tolist()
                if any(needs):
                    used = cp_model.LinearExpr.weighted_sum(numbers, needs)
                    self.model.add(used <= int(arrays.capacity[j, column]))
                    self._drain(j, column, used)
        self.parts.add_capacities()
        if arrays.patient.any():
            self._keep_patience()

    def _drain(self, j: int, column: int, used: Expression) -> None:
        """Let items that ask for what is overcommitted arrive only where all fits then."""
        arrays = self.arrays
        excess = int(arrays.excess[j, column])
        asking = arrays.drained[:, j] & (arrays.demand[:, column] > 0)
        coming = [k for k in self.by_node[j] if asking[k]]
        if excess and coming:
            drained = self.model.new_bool_var("")
            room = int(arrays.capacity[j, column]) - excess
            self.model.add(used <= room).only_enforce_if(drained)
            for k in coming:
                self.no_arrival(k, j, ~drained)

    def _keep_patience(self) -> None:
        """Let items that preempt nothing take only what is free beside all that runs now."""
        arrays, spare = self.arrays, self.arrays.spare()
        for j, classes in self.by_node.items():
            patient = [k for k in classes if arrays.patient[k]]
            numbers = [self.count[k, j] for k in patient]
            for column in range(arrays.demand.shape[1]):
                needs = arrays.demand[patient, column].tolist()
                if any(needs):
                    used = cp_model.LinearExpr.weighted_sum(numbers, needs)
                    self.model.add(used <= int(spare[j, column]))

    def _add_sizes(self) -> None:
        for k in self._by_class:
            self.model.add(self.placed[k] <= self._size[k])

    def most(self, k: int, j: int) -> int:
        """Most items of a class that may stand on a node of the part."""
        return self._limit.get((k, j), 0)

    def nodes_of(self, k: int) -> list[int]:
        """Nodes of the part that items of a class may stand on."""
        return [j for j, _ in self._by_class.get(k, ())]

    def here(self, classes: Iterable[int], j: int) -> Expression:
        """Items of some classes on one node of the part."""
        return cp_model.LinearExpr.sum([self.count[k, j] for k in classes if (k, j) in self.count])

    def no_arrival(self, k: int, j: int, literal: Any) -> None:
        """Let no item of a class arrive on a node where a literal is true."""
        if (k, j) in self.count:
            stay = self._stay.get((k, j), 0)
            self.model.add(self.count[k, j] <= stay).only_enforce_if(literal)

    # ------------------------------------------------------------------------------ rules

    def settlers(self, classes: Iterable[int], nodes: Flags) -> tuple[Expression, Expression]:
        """Items of some classes where some of the class run now, on some nodes.

        Returns
        -------
        tuple
            How many of them stay there, and how many there are, others that arrive included.
        """
        chosen = list(classes)
        ran = [
            (k, j)
            for k in chosen
            for j, _ in self._by_class.get(k, ())
            if nodes[j] and self.arrays.running[k, j]
        ]
        still = int(self._still[chosen][:, nodes].sum())
        stays = cp_model.LinearExpr.sum([self._stay[cell] for cell in ran])
        return stays + still, cp_model.LinearExpr.sum([self.count[cell] for cell in ran]) + still

    def in_domain(self, classes: Iterable[int], domains: int, domain: int) -> Expression:
        """Items of some classes in one domain."""
        return self.total(classes, self.arrays.domains[domains].of == domain)

    def arrives(self, k: int, domains: int, domain: int) -> Any | None:
        """Literal that is true when an item of a class arrives in a domain; ``None``: never."""
        arrays, key = self.arrays, (k, domains, domain)
        if key not in self._arrivals:
            of = arrays.domains[domains].of
            nodes, reachable = np.flatnonzero(of == domain), arrays.reachable
            coming = [
                (self.count[k, j], self._stay.get((k, j), 0))
                for j in self._part[of[self._part] == domain].tolist()
                if (k, j) in self.count and reachable[k, j]
            ]
            literal: Any = None
            if (self.fixed[k, nodes] > self._still[k, nodes]).any():
                literal = self.model.new_constant(1)
            elif coming:
                literal = self.model.new_bool_var("")
                for number, stay in coming:
                    self.model.add(number <= stay).only_enforce_if(~literal)
            self._arrivals[key] = literal
        return self._arrivals[key]

    def _add_rules(self) -> None:
        arrays = self.arrays
        for rule in arrays.even:
            self.forbid_unlabelled(rule.owner, rule.domains)
        for rule in arrays.apart:
            # Where nothing changes, nothing is to be kept apart.
            for domain in np.unique(arrays.domains[rule.domains].of[self._part]).tolist():
                if domain != NOWHERE:
                    self._keep_apart(rule, domain)
        for bond in arrays.together:
            keep_together(self, bond)
        for rule in arrays.even:
            self._keep_even(rule)

    def forbid_unlabelled(self, k: int, domains: int) -> None:
        """Keep arrivals of a class off nodes without a label, which have no domain."""
        for j in np.flatnonzero(self.arrays.domains[domains].of < 0).tolist():
            number = self.count.get((k, j))
            if number is not None:
                self.model.add(number <= self._stay.get((k, j), 0))

    def _keep_apart(self, rule: Rule, domain: int) -> None:
        model, owner = self.model, rule.owner
        own = owner in rule.meant
        arrival = self.arrives(owner, rule.domains, domain)
        if arrival is not None:
            meant = self.in_domain(rule.meant, rule.domains, domain)
            model.add(meant <= int(own)).only_enforce_if(arrival)
        standing = self.in_domain([owner], rule.domains, domain)
        for other in rule.meant:
            literal = self.arrives(other, rule.domains, domain)
            if other != owner and literal is not None:
                model.add(standing == 0).only_enforce_if(literal)

    def _keep_even(self, rule: Rule) -> None:
        arrays, model = self.arrays, self.model
        of, allowed = arrays.domains[rule.domains].of, arrays.spread_nodes[rule.counted]
        present = np.unique(of[allowed & (of >= 0)]).tolist()
        if not present:
            return
        counts = {d: self.total(rule.meant, allowed & (of == d)) for d in present}
        least: Expression = 0
        if len(present) >= rule.min_domains:
            least = model.new_int_var(0, int(arrays.size().sum()), "")
            for expression in counts.values():
                model.add(least <= expression)
        for d in present:
            arrival = self.arrives(rule.owner, rule.domains, d)
            if arrival is not None:
                model.add(counts[d] - least <= rule.max_skew).only_enforce_if(arrival)

    def _add_limits(self) -> None:
        arrays, model = self.arrays, self.model
        present = self._present
        disturbed = [present[k] - self.stayed[k] for k in self._classes()]
        if arrays.max_moves is not None:
            model.add(sum(disturbed) <= arrays.max_moves)
        for classes, allowed in arrays.budgets:
            if any(present[k] for k in classes):
                model.add(sum(disturbed[k] for k in classes) <= allowed)
        for need, limit in arrays.quotas:
            rows = np.flatnonzero(need).tolist()
            if rows:
                model.add(sum(int(need[k]) * self.placed[k] for k in rows) <= limit)

    # -------------------------------------------------------------------------- objective

    def _tiers(self) -> list[Expression]:
        arrays, size = self.arrays, self._size
        missing = [size[k] - self.placed[k] for k in self._classes()]
        tiers = [
            sum((missing[k] for k in np.flatnonzero(arrays.tier == tier).tolist()), start=0)
            for tier in range(arrays.n_priorities)
        ]
        return [*tiers, *(goal_expression(self, goal) for goal in arrays.goals)]

    @cached_property
    def lost(self) -> dict[int, Expression]:
        """Items of each class that ran and stand nowhere: those that the others cannot replace."""
        found: dict[int, Expression] = {}
        for k, present in enumerate(self._present):
            if present and k not in self._by_class:
                found[k] = max(present - self._outside[k], 0)
            elif present:
                found[k] = self.model.new_int_var(0, present, "")
                self.model.add_max_equality(found[k], [present - self.placed[k], 0])
        return found

    # ------------------------------------------------------------------------- hints, values

    def hint(self, place: Ints) -> None:
        """Hint a placement by the place of each item."""
        self.hint_counts(self.arrays.counts(place), self.arrays.staying(place))
        self.parts.hint(place)

    def hint_counts(self, counts: Ints, stays: Ints) -> None:
        """Hint how many items of each class stand and stay on each node, (K, m)."""
        for (k, j), number in self.count.items():
            self.model.add_hint(number, int(counts[k, j]))
            stay = self._stay.get((k, j))
            if stay is not None and stay is not number and not self.arrays.parts.shares[k]:
                self.model.add_hint(stay, int(stays[k, j]))

    def counts(self, values: list[int]) -> Ints:
        """Read the items of each class on each node, (K, m), from the values of all variables."""
        table = self.fixed.copy()
        for cell, number in self.count.items():
            table[cell] = values[number.index]
        return table

    def places(self, values: list[int]) -> Ints:
        """Read the place of each item from the values of all variables."""
        arrays, table = self.arrays, self.counts(values)
        inside = self.parts.places(values)
        for k in inside:
            left = self.settled[arrays.members[k]]
            inside[k] += left[left >= 0].tolist()
        return arrays.assign(table, inside)
