"""A placement that grows item by item: what fits where, with every rule of the family."""

from __future__ import annotations

import numpy as np

from scheduling.models.placement.aims import UNLIMITED
from scheduling.models.placement.arrays import NOWHERE, Bond, Flags, Ints, PlacementArrays, Rule
from scheduling.models.placement.gangs import GangRule


class State:
    """Numbers of items on nodes, and what they leave over.

    Parameters
    ----------
    arrays
        The problem.
    place
        Place of each item to begin with.
    tight
        Whether items take the parts of a node that have least left, or the first that fit.
    """

    def __init__(self, arrays: PlacementArrays, place: Ints, *, tight: bool = True) -> None:
        self.arrays = arrays
        self.place = place.copy()
        self.node = arrays.places.nodes(place).copy()
        self.counts = arrays.counts(place)
        self.free = arrays.capacity - self.counts.T @ arrays.demand
        patient = arrays.patient
        self.spare = arrays.spare() - self.counts[patient].T @ arrays.demand[patient]
        self.part_free = arrays.parts.capacity - arrays.taken(place)
        self._part_spare = arrays.parts.capacity - arrays.taken(arrays.now)
        if patient.any():
            waits = patient[arrays.of_class]
            self._part_spare -= arrays.taken(np.where(waits, place, NOWHERE))
        self._tight = tight
        self._apart = _by_class(arrays.apart)
        self._avoided = _by_meaning(arrays.apart)
        self._together = {k: bond for bond in arrays.together for k in bond.owners}
        self._even = _by_class(arrays.even)
        self._gangs = {k: gang for gang in arrays.gangs for k in gang.classes}
        self._quota_left = [
            limit - int(need @ self.counts.sum(axis=1)) for need, limit in arrays.quotas
        ]

    def options(self, item: int) -> Flags:
        """Nodes on which an item may be put now."""
        arrays, k = self.arrays, int(self.arrays.of_class[item])
        found: Flags = arrays.eligible[k] & np.all(self.free >= arrays.demand[k], axis=1)
        for (need, _), left in zip(arrays.quotas, self._quota_left, strict=True):
            if need[k] > left:
                return np.zeros(arrays.n_nodes, bool)
        if arrays.patient[k]:
            found &= np.all(self.spare >= arrays.demand[k], axis=1)
        found &= self.near(k)
        if arrays.aims.clashes:
            found &= self._bearable(k)
        if arrays.parts.shares[k]:
            found &= arrays.parts.nodes_with_room(k, self.parts_for(k))
        gang = self._gangs.get(k)
        if gang is not None and gang.domains is not None:
            found &= self._one_domain(gang, k, gang.domains)
        return found

    def near(self, k: int) -> Flags:
        """Nodes on which an item of a class may stand beside what stands there now."""
        found: Flags = np.ones(self.arrays.n_nodes, bool)
        for rule in self._apart.get(k, ()):
            found &= ~self._meets(rule.meant, rule.domains)
        for rule in self._avoided.get(k, ()):
            found &= ~self._meets((rule.owner,), rule.domains)
        if k in self._together:
            found &= self._joins(self._together[k])
        for rule in self._even.get(k, ()):
            found &= self._keeps_even(rule)
        return found

    def fits(self, item: int, place: int) -> bool:
        """Tell whether a place has room for an item, whatever other rules say."""
        arrays, k = self.arrays, int(self.arrays.of_class[item])
        node, need = arrays.places.node(place), arrays.demand[k]
        if np.any((self.free[node] - arrays.excess[node] < need) & (need > 0)):
            return False
        return all(
            np.all(self.part_free[part] >= arrays.parts.need(k, part, option))
            for part, option in arrays.places.uses(place)
        )

    def parts_for(self, k: int) -> Ints:
        """Return what items of a class may take of each part, (P, Q)."""
        if not self.arrays.patient[k]:
            return self.part_free
        found: Ints = np.minimum(self.part_free, self._part_spare)
        return found

    def spot(self, item: int, node: int) -> int:
        """Return the place that an item takes on a node with room for it: its parts are chosen."""
        arrays, k = self.arrays, int(self.arrays.of_class[item])
        if not arrays.parts.shares[k]:
            return node
        uses = arrays.parts.choose(k, node, self.parts_for(k), tight=self._tight)
        return arrays.places.number(node, uses or ())

    def put(self, item: int, place: int) -> None:
        """Put an item at a place; on a node alone, its parts are chosen there."""
        if place < self.arrays.n_nodes:
            place = self.spot(item, place)
        self._change(item, place, 1)
        self.place[item] = place
        self.node[item] = self.arrays.places.node(place)

    def take(self, item: int) -> int:
        """Take an item off its place, and return which that was."""
        place = int(self.place[item])
        self._change(item, place, -1)
        self.place[item] = self.node[item] = NOWHERE
        return place

    def _change(self, item: int, place: int, sign: int) -> None:
        arrays, k = self.arrays, int(self.arrays.of_class[item])
        node = arrays.places.node(place)
        self.counts[k, node] += sign
        self.free[node] -= sign * arrays.demand[k]
        if arrays.patient[k]:
            self.spare[node] -= sign * arrays.demand[k]
            arrays.parts.add(self._part_spare, k, arrays.places.uses(place), -sign)
        arrays.parts.add(self.part_free, k, arrays.places.uses(place), -sign)
        for index, (need, _) in enumerate(arrays.quotas):
            self._quota_left[index] -= sign * int(need[k])

    def _meets(self, classes: tuple[int, ...], domains: int) -> Flags:
        """Nodes in whose domain an item of one of the classes stands."""
        of = self.arrays.domains[domains]
        present = np.zeros(of.count + 1, bool)
        standing = self.counts[list(classes)].any(axis=0)
        present[of.of[standing & (of.of >= 0)]] = True
        found: Flags = present[of.of]
        return found

    def _joins(self, bond: Bond) -> Flags:
        """Nodes where affinity holds: beside whom all terms mean, or for the first of all."""
        near = labelled = np.ones(self.arrays.n_nodes, bool)
        first = bond.first
        for meant, domains in bond.terms:
            known = self.arrays.domains[domains].of >= 0
            near = near & self._meets(meant, domains)
            labelled = labelled & known
            first = first and not self.counts[list(meant)][:, known].any()
        return labelled if first else near

    def _one_domain(self, gang: GangRule, k: int, domains: int) -> Flags:
        """Nodes of the domain where a gang stands, or of those with room for what waits of it."""
        arrays, of = self.arrays, self.arrays.domains[domains].of
        standing = self.counts[list(gang.classes)].any(axis=0)
        labelled: Flags = of >= 0
        if standing.any():
            used = np.unique(of[standing])
            alone: Flags = of == used[0]
            return alone & labelled if len(used) == 1 else np.zeros(arrays.n_nodes, bool)
        need = arrays.demand[k]
        rooms = np.maximum(self.free, 0)[:, need > 0] // need[need > 0]
        waiting = int((self.place[arrays.members[k]] < 0).sum())
        fits = np.where(arrays.eligible[k], rooms.min(axis=1, initial=waiting), 0)
        room = np.bincount(of[labelled], fits[labelled], arrays.domains[domains].count)
        wide = np.append(room >= waiting, False)
        # Where no domain holds all of them, any may do: fewer can be enough.
        return labelled & (wide[of] | (not wide.any()))

    def _bearable(self, k: int) -> Flags:
        """Nodes on which neither one more item of a class nor one beside it loses too much."""
        arrays, limits = self.arrays, self.arrays.aims.tolerated
        found = np.ones(arrays.n_nodes, bool)
        if limits[k] != UNLIMITED:
            found &= self._degradation(k, 1) <= limits[k]
        beside = {
            victim
            for clash in arrays.aims.clashes
            if k in clash.neighbours
            for victim in clash.victims
            if limits[victim] != UNLIMITED
        }
        for victim in beside:
            standing = self.counts[victim] > 0
            more = sum(
                clash.degradation
                for clash in arrays.aims.clashes
                if k in clash.neighbours and victim in clash.victims
            )
            found &= ~standing | (self._degradation(victim, 0) + more <= limits[victim])
        return found

    def _degradation(self, k: int, added: int) -> Ints:
        """Return what an item of a class loses on each node, after ``added`` more came."""
        total = np.zeros(self.arrays.n_nodes, np.int64)
        for clash in self.arrays.aims.clashes:
            if k in clash.victims:
                others = self.counts[list(clash.neighbours)].sum(axis=0)
                own = int(k in clash.neighbours)
                total += clash.degradation * np.maximum(others + (added - 1) * own, 0)
        return total

    def _keeps_even(self, rule: Rule) -> Flags:
        arrays = self.arrays
        of, allowed = arrays.domains[rule.domains], arrays.spread_nodes[rule.counted]
        counted = allowed & (of.of >= 0)
        standing = self.counts[list(rule.meant)].sum(axis=0)
        numbers = np.bincount(of.of[counted], standing[counted], of.count).astype(np.int64)
        present = np.zeros(of.count, bool)
        present[of.of[counted]] = True
        least = 0
        if present.sum() >= rule.min_domains and present.any():
            least = int(numbers[present].min())
        grown = numbers + int(rule.owner in rule.meant)
        fits = np.append(grown - least <= rule.max_skew, False)
        even: Flags = fits[of.of]
        return even


def _by_class(rules: tuple[Rule, ...]) -> dict[int, list[Rule]]:
    found: dict[int, list[Rule]] = {}
    for rule in rules:
        found.setdefault(rule.owner, []).append(rule)
    return found


def _by_meaning(rules: tuple[Rule, ...]) -> dict[int, list[Rule]]:
    found: dict[int, list[Rule]] = {}
    for rule in rules:
        for k in rule.meant:
            found.setdefault(k, []).append(rule)
    return found
