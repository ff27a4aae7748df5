"""From typed placement problems to arrays."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from scheduling.models.placement.arrays import (
    NOWHERE,
    Bond,
    Domains,
    Flags,
    Ints,
    PlacementArrays,
    Rule,
)
from scheduling.models.placement.compiling_goals import (
    Setting,
    compile_aims,
    goal_selectors,
    goal_traits,
)
from scheduling.models.placement.compiling_parts import compile_parts, share_traits
from scheduling.models.placement.compiling_time import find_moments
from scheduling.models.placement.eligibility import Eligibility, selects
from scheduling.models.placement.fragmentation import compile_workload
from scheduling.models.placement.gangs import compile_gangs
from scheduling.models.placement.part_arrays import PartArrays, Places
from scheduling.models.placement.problem import Item, PlacementProblem
from scheduling.models.placement.rules import ItemTerm, Selector, Spread


def compile_placement(problem: PlacementProblem) -> PlacementArrays:
    """Translate a problem into arrays."""
    return _Compiler(problem).arrays()


@dataclass(frozen=True, slots=True)
class _Class:
    """A class of equal items: one of them, and all their indices."""

    sample: Item
    members: list[int]


class _Compiler:
    def __init__(self, problem: PlacementProblem) -> None:
        self.problem = problem
        self.node_index = {node.id: number for number, node in enumerate(problem.nodes)}
        self.eligibility = Eligibility(problem.nodes, problem.items)
        self.selectors = list({_frozen(s): s for s in self._all_selectors()}.values())
        self.classes = self._find_classes()
        self.domains: dict[str, int] = {}
        self.spread_nodes: dict[int, tuple[int, Flags]] = {}
        self.resources = self._find_resources()

    def arrays(self) -> PlacementArrays:
        problem = self.problem
        items, classes = problem.items, self.classes
        of_class = np.empty(len(items), np.int64)
        for number, entry in enumerate(classes):
            of_class[entry.members] = number
        samples = [entry.sample for entry in classes]
        places = Places(len(problem.nodes))
        moments = find_moments(samples)
        inside = compile_parts(problem, places, samples, of_class, moments)
        now = places.nodes(inside.now)
        pinned = np.array([item.pinned for item in items], bool)
        running = self._table(of_class, now, now >= 0)
        asked = self._demand()
        resource, moment = moments.columns(asked)
        demand = moments.demand_at(asked, resource, moment)
        capacity, excess = self._capacity(demand, running, resource)
        reachable, crowded = self._eligible(demand, capacity, excess, inside.parts)
        priorities = {priority: tier for tier, priority in enumerate(problem.priorities)}
        rules = {name: self._rules(name) for name in ("anti_affinity", "spread")}
        setting = Setting(samples, inside.parts, moments, self._meant, self._domain)
        return PlacementArrays(
            item_ids=tuple(item.id for item in items),
            node_ids=tuple(node.id for node in problem.nodes),
            places=places,
            parts=inside.parts,
            now=inside.now,
            pinned=pinned,
            of_class=of_class,
            members=tuple(np.array(entry.members, np.int64) for entry in classes),
            n_named=int(np.sum(resource < sum(isinstance(n, str) for n in self.resources))),
            demand=np.hstack([demand, inside.demand]),
            tier=np.array([priorities[item.priority] for item in samples], np.int64),
            eligible=reachable & ~crowded,
            drained=reachable & crowded,
            running=running,
            held=self._table(of_class, now, pinned),
            capacity=np.hstack([capacity, inside.capacity]),
            excess=np.hstack([excess, np.zeros_like(inside.capacity)]),
            move_cost=np.array([item.move_cost for item in samples], np.int64),
            eviction_cost=np.array([item.eviction_cost for item in samples], np.int64),
            node_cost=np.array([node.cost for node in problem.nodes], np.int64),
            apart=rules["anti_affinity"],
            together=self._bonds(),
            even=rules["spread"],
            spread_nodes=tuple(found for _, found in self.spread_nodes.values()),
            patient=np.array([not i.preempts and i.node is None for i in samples], bool),
            aims=compile_aims(problem, setting),
            workload=compile_workload(problem, samples, inside.parts),
            gangs=compile_gangs(problem, samples, self._domain),
            domains=self._domains(),
            budgets=self._budgets(),
            quotas=self._quotas(running),
            max_moves=problem.max_moves,
            goals=tuple(problem.goals),
            fragment=inside.fragment,
            n_priorities=len(priorities),
        )

    def _all_selectors(self) -> Iterable[Selector]:
        for item in self.problem.items:
            yield from (term.selector for term in (*item.affinity, *item.anti_affinity))
            yield from (spread.selector for spread in item.spread)
        for budget in self.problem.budgets:
            yield budget.selector
        yield from goal_selectors(self.problem)

    def _find_classes(self) -> list[_Class]:
        """Group items that agree in all that matters to anybody."""
        found: dict[Any, _Class] = {}
        meant: dict[Any, tuple[bool, ...]] = {}
        named = self._named()
        for number, item in enumerate(self.problem.items):
            labels = tuple(sorted(item.labels.items()))
            if labels not in meant:
                meant[labels] = tuple(selects(s, item.labels) for s in self.selectors)
            key = (
                item.priority,
                tuple(sorted(item.demands.items())),
                item.namespace,
                meant[labels],
                id(self.eligibility.allowed(item)),
                tuple(id(self.eligibility.counted(item, entry)) for entry in item.spread),
                _frozen(item.affinity),
                _frozen(item.anti_affinity),
                _frozen(item.spread),
                item.leaving,
                item.ports,
                item.window,
                share_traits(item),
                None if item.gang is None else (item.gang, item.node is None),
                item.preempts or item.node is None,
                item.preempts,
                named.get(item.id, ()),
                item.move_cost,
                item.eviction_cost,
                self._replaceable(item) and item.node is None,
                _frozen(goal_traits(self.problem, item)),
            )
            if key not in found:
                found[key] = _Class(item, [])
            found[key].members.append(number)
        return list(found.values())

    def _replaceable(self, item: Item) -> bool:
        """Tell whether it may be better to evict an item and start an equal one than to move it.

        Otherwise numbers of items on nodes say all: as few as possible are evicted.
        """
        goals = self.problem.goals
        if "moves" not in goals or item.move_cost == 0:
            return False
        return item.eviction_cost == 0 or "evictions" not in goals[: goals.index("moves")]

    def _named(self) -> dict[str, tuple[int, ...]]:
        """Return the numbers of the quotas, and then budgets, that name items, by item."""
        found: dict[str, tuple[int, ...]] = {}
        quotas = (quota.members or () for quota in self.problem.quotas)
        for number, names in enumerate((*quotas, *(b.exempt for b in self.problem.budgets))):
            for name in names:
                found[name] = (*found.get(name, ()), number)
        return found

    def _find_resources(self) -> dict[Any, int]:
        """Give each resource that is asked for a number; a port of an address is one of its own."""
        found: dict[Any, int] = {}
        for entry in self.classes:
            for name, amount in entry.sample.demands.items():
                if amount > 0:
                    found.setdefault(name, len(found))
        for entry in self.classes:
            for port in entry.sample.ports:
                found.setdefault((port.port, port.protocol, port.address), len(found))
        return found

    def _demand(self) -> Ints:
        table = np.zeros((len(self.classes), len(self.resources)), np.int64)
        for number, entry in enumerate(self.classes):
            for name, amount in entry.sample.demands.items():
                if amount > 0:
                    table[number, self.resources[name]] = amount
            for port in entry.sample.ports:
                for name, column in self.resources.items():
                    # A port of every address is taken on each address that anybody names.
                    same = name[:2] == (port.port, port.protocol)
                    if same and port.address in ("", name[2]):
                        table[number, column] = 1
        return table

    def _capacity(self, demand: Ints, running: Ints, resource: Ints) -> tuple[Ints, Ints]:
        """Return what may stand for each column of demand, and what of it is beyond the room."""
        table = np.zeros((len(self.problem.nodes), len(self.resources)), np.int64)
        for name, column in self.resources.items():
            for row, node in enumerate(self.problem.nodes):
                table[row, column] = 1 if isinstance(name, tuple) else node.capacity.get(name, 0)
        table = table[:, resource]
        excess = np.maximum(running.T @ demand - table, 0)
        return table + excess, excess

    def _eligible(
        self, demand: Ints, capacity: Ints, excess: Ints, parts: PartArrays
    ) -> tuple[Flags, Flags]:
        """Return where items of each class may arrive, and where more runs than fits of theirs."""
        rows = [self.eligibility.allowed(entry.sample) for entry in self.classes]
        table = np.array(rows, bool).reshape(len(self.classes), len(self.problem.nodes))
        crowded, room = np.zeros_like(table), capacity - excess
        for number, need in enumerate(demand):
            table[number] &= np.all(need <= room, axis=1, where=need > 0)
            crowded[number] = np.any(excess[:, need > 0] > 0, axis=1)
            table[number] &= parts.nodes_with_room(number, parts.capacity)
        return table, crowded

    def _table(self, of_class: Ints, node: Ints, chosen: Flags) -> Ints:
        table = np.zeros((len(self.classes), len(self.problem.nodes)), np.int64)
        np.add.at(table, (of_class[chosen], node[chosen]), 1)
        return table

    def _meant(self, selector: Selector, namespaces: tuple[str, ...]) -> tuple[int, ...]:
        """Classes that a selector means in some namespaces."""
        return tuple(
            number
            for number, entry in enumerate(self.classes)
            if entry.sample.namespace in namespaces and selects(selector, entry.sample.labels)
        )

    def _rules(self, name: str) -> tuple[Rule, ...]:
        rules = []
        for number, entry in enumerate(self.classes):
            for term in getattr(entry.sample, name):
                own = (entry.sample.namespace,)
                spaces = (term.namespaces or own) if isinstance(term, ItemTerm) else own
                meant = self._meant(term.selector, spaces)
                if isinstance(term, Spread):
                    meant = tuple(k for k in meant if not self.classes[k].sample.leaving)
                rules.append(
                    Rule(
                        number,
                        meant,
                        self._domain(term.topology),
                        getattr(term, "max_skew", 0),
                        getattr(term, "min_domains", 0),
                        self._counted(entry.sample, term) if isinstance(term, Spread) else 0,
                    )
                )
        return tuple(rules)

    def _bonds(self) -> tuple[Bond, ...]:
        """Return the affinity of classes; those with the same terms share them."""
        found: dict[tuple[Any, bool], list[int]] = {}
        for number, entry in enumerate(self.classes):
            own = (entry.sample.namespace,)
            terms = {
                (self._meant(term.selector, term.namespaces or own), self._domain(term.topology))
                for term in entry.sample.affinity
            }
            first = all(number in meant for meant, _ in terms)
            if terms:
                found.setdefault((tuple(sorted(terms)), first), []).append(number)
        return tuple(Bond(tuple(owners), *key) for key, owners in found.items())

    def _domain(self, topology: str) -> int:
        """Return the number of the domains of a label."""
        return self.domains.setdefault(topology, len(self.domains))

    def _domains(self) -> tuple[Domains, ...]:
        found = []
        for key in self.domains:
            values: dict[str, int] = {}
            rows = [
                values.setdefault(node.labels[key], len(values)) if key in node.labels else NOWHERE
                for node in self.problem.nodes
            ]
            found.append(Domains(np.array(rows, np.int64), len(values)))
        return tuple(found)

    def _counted(self, owner: Item, spread: Spread) -> int:
        """Return the number of the nodes that count for a constraint."""
        found = self.eligibility.counted(owner, spread)
        return self.spread_nodes.setdefault(id(found), (len(self.spread_nodes), found))[0]

    def _budgets(self) -> tuple[tuple[tuple[int, ...], int], ...]:
        found = []
        for budget in self.problem.budgets:
            meant, exempt = self._meant(budget.selector, (budget.namespace,)), set(budget.exempt)
            guarded = (k for k in meant if self.classes[k].sample.id not in exempt)
            found.append((tuple(guarded), budget.allowed))
        return tuple(found)

    def _quotas(self, running: Ints) -> tuple[tuple[Ints, int], ...]:
        """Rows of quotas; what is exceeded now may stay as it is."""
        present = running.sum(axis=1)
        rows = []
        for quota in self.problem.quotas:
            named = None if quota.members is None else set(quota.members)
            for resource, limit in quota.limits.items():
                need = np.array(
                    [
                        entry.sample.demands.get(resource, 0)
                        if entry.sample.namespace == quota.namespace
                        and (named is None or entry.sample.id in named)
                        else 0
                        for entry in self.classes
                    ],
                    np.int64,
                )
                rows.append((need, max(limit, int(need @ present))))
        return tuple(rows)


def _frozen(model: Any) -> Any:
    """Return a hashable form of a model or of a tuple of models."""
    if isinstance(model, tuple):
        return tuple(map(_frozen, model))
    if isinstance(model, Selector):
        return (tuple(sorted(model.match.items())), model.requirements)
    if hasattr(model, "model_fields_set"):
        return tuple(_frozen(value) for _, value in model)
    return model
