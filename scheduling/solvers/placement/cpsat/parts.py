"""Parts of nodes in the CP-SAT formulation: numbers of items on parts, without telling them apart.

Of a class on a node, ``x`` items arrive that take ``c`` different parts each. They exist exactly if
the parts they take sum up to ``c * x`` and no part is taken more than ``x`` times: dealt out in
turns, part by part, no item gets a part twice. Those that stay keep the parts they have.

Of equal parts, items that leave no room for others beside them are only counted: they, and the
parts that others use, are at most as many as there are parts.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from typing import Any

import numpy as np
from ortools.sat.python import cp_model

from scheduling.models.placement.arrays import Ints, PlacementArrays
from scheduling.models.placement.part_arrays import ShareArrays
from scheduling.solvers.placement.cpsat.part_groups import Group, Groups

Expression = Any

_Unit = tuple[int, int, int, int]
"""Class, number of the share, part (the first one of a group for whole parts), option."""

_BLIND = {"evictions", "moves", "nodes", "cost", "preferences", "spread", "interference"}
"""Goals that do not look at single parts."""


class PartCells:
    """Variables of the classes that take parts.

    Parameters
    ----------
    model
        Where they are added.
    arrays
        The problem.
    """

    def __init__(self, model: cp_model.CpModel, arrays: PlacementArrays) -> None:
        self._model, self._arrays = model, arrays
        patient = any(arrays.patient[k] for k, shares in enumerate(arrays.parts.shares) if shares)
        self._groups = Groups(arrays, single=patient or bool(set(arrays.goals) - _BLIND))
        self._patient: dict[int, list[tuple[Any, Ints]]] = defaultdict(list)
        self._stay: dict[tuple[int, int], Any] = {}
        self._come: dict[tuple[int, int], Any] = {}
        self._units: dict[_Unit, Any] = {}
        self._loads: dict[int, list[tuple[Any, Ints]]] = defaultdict(list)
        self._whole_stays: dict[int, list[Any]] = defaultdict(list)
        self._whole: dict[int, list[Any]] = defaultdict(list)
        self._used: dict[int, Any] = {}
        self._hinted: set[int] = set()
        self._now: dict[tuple[int, int], Counter[int]] = defaultdict(Counter)
        self._held: Counter[tuple[int, int]] = Counter()
        inside = [k for k, shares in enumerate(arrays.parts.shares) if shares]
        for item in np.flatnonzero(np.isin(arrays.of_class, inside) & (arrays.now >= 0)).tolist():
            k, place = int(arrays.of_class[item]), int(arrays.now[item])
            self._now[k, arrays.places.node(place)][place] += 1
            self._held[k, place] += int(arrays.pinned[item])

    def add(self, k: int, j: int, most: int) -> tuple[Expression, Expression]:
        """Add the items of a class on a node.

        Returns
        -------
        tuple
            How many there are, at most ``most``, a variable that the caller hints; and how many of
            them stay where they are.
        """
        model, arrays = self._model, self._arrays
        stays, comes = [], list[Any]()
        for place, count in self._now[k, j].items():
            stay = model.new_int_var(self._held[k, place], count, "")
            self._stay[k, place] = stay
            stays.append(stay)
            for part, option in arrays.places.uses(place):
                need = arrays.parts.need(k, part, option)
                if self._groups.of(part).is_whole(need):
                    self._whole_stays[part].append(stay)
                else:
                    self._loads[part].append((stay, need))
        if arrays.reachable[k, j]:
            domains = arrays.parts.domains[k].by_node.get(j, ())
            comes = [self._arrivals(k, domain, most) for domain in domains]
        if len(comes) == 1 and not stays:
            self._hinted.add(comes[0].index)
            return comes[0], 0
        number = model.new_int_var(0, most, "")
        staying = cp_model.LinearExpr.sum(stays)
        model.add(number == staying + cp_model.LinearExpr.sum(comes))
        return number, staying

    def _arrivals(self, k: int, domain: int, most: int) -> Any:
        """Add the items that arrive in one domain of a node, and the parts they take."""
        model, parts = self._model, self._arrays.parts
        come = model.new_int_var(0, most, "")
        self._come[k, domain] = come
        for index, share in enumerate(parts.shares[k]):
            taken: list[Any] = []
            done: set[int] = set()
            for row in parts.rows(share, parts.domains[k], domain).tolist():
                group = self._groups.of(int(share.parts[row]))
                units = list(self._of_part(k, index, share, row, most))
                if group.parts[0] not in done:
                    done.add(group.parts[0])
                    taken += self._of_group(k, index, share, row, group)
                taken += units
                if units and share.count > 1:
                    model.add(cp_model.LinearExpr.sum(units) <= come)
            model.add(cp_model.LinearExpr.sum(taken) == share.count * come)
        return come

    def _of_part(
        self, k: int, index: int, share: ShareArrays, row: int, most: int
    ) -> Iterator[Any]:
        """Add what arrivals take of one part, beside others."""
        part = int(share.parts[row])
        group = self._groups.of(part)
        for option in np.flatnonzero(share.open_to[row]).tolist():
            need = share.need[option]
            if not group.is_whole(need):
                fits = (group.capacity[need > 0] // need[need > 0]).min(initial=most)
                unit = self._model.new_int_var(0, int(fits), "")
                self._units[k, index, part, option] = unit
                self._loads[part].append((unit, need))
                if self._arrays.patient[k]:
                    self._patient[part].append((unit, need))
                yield unit

    def _of_group(
        self, k: int, index: int, share: ShareArrays, row: int, group: Group
    ) -> Iterator[Any]:
        """Add how many whole parts of a group arrivals take."""
        for option in np.flatnonzero(share.open_to[row]).tolist():
            if group.is_whole(share.need[option]):
                unit = self._model.new_int_var(0, len(group.parts), "")
                self._units[k, index, group.parts[0], option] = unit
                self._whole[group.parts[0]].append(unit)
                yield unit

    def add_capacities(self) -> None:
        """Limit what is taken of each part, and of equal parts together."""
        touched = {*self._loads, *self._whole_stays, *self._whole}
        for group in {id(g): g for g in map(self._groups.of, sorted(touched))}.values():
            crowded = any(part in self._whole_stays for part in group.parts)
            counted = bool(self._whole.get(group.parts[0])) or crowded
            used = [self._limit(part, group.capacity, counted=counted) for part in group.parts]
            if counted:
                whole = self._whole.get(group.parts[0], [])
                present = [numbers for numbers in used if numbers is not None]
                number = cp_model.LinearExpr.sum([*whole, *present])
                self._model.add(number <= len(group.parts))

        self._keep_patience()

    def _keep_patience(self) -> None:
        """Let items that preempt nothing take only what is free beside all that runs now."""
        if not self._patient:
            return
        arrays = self._arrays
        spare = arrays.parts.capacity - arrays.taken(arrays.now)
        for part, loads in self._patient.items():
            numbers = [number for number, _ in loads]
            for column, room in enumerate(spare[part].tolist()):
                needs = [int(need[column]) for _, need in loads]
                if any(needs):
                    used = cp_model.LinearExpr.weighted_sum(numbers, needs)
                    self._model.add(used <= room)

    def _limit(self, part: int, capacity: Ints, *, counted: bool) -> Expression | None:
        """Limit what is taken of a part; return whether it is used, if that is ``counted``."""
        model, loads = self._model, self._loads.get(part, [])
        stays = cp_model.LinearExpr.sum(self._whole_stays.get(part, []))
        used: Any = 1
        if counted and loads:
            used = self._used[part] = model.new_bool_var("")
            for number, need in loads:
                if not need.any():
                    model.add(number == 0).only_enforce_if(~used)
            model.add(used + stays <= 1)
        for column, room in enumerate(capacity.tolist()):
            if any(need[column] for _, need in loads):
                model.add(self.used(part, column) <= room * used)
        if not counted:
            return None
        return stays + used if loads else stays

    def used(self, part: int, column: int) -> Expression:
        """Return what is taken of a resource of a part of the nodes that may change."""
        loads = self.loads(part, column)
        numbers, needs = [number for number, _ in loads], [need for _, need in loads]
        return cp_model.LinearExpr.weighted_sum(numbers, needs)

    def loads(self, part: int, column: int) -> list[tuple[Any, int]]:
        """Return numbers of those that take something of a resource, with what each takes.

        Of an objective that looks at parts, this is all that is taken.
        """
        loads = ((number, int(need[column])) for number, need in self._loads.get(part, ()))
        return [(number, need) for number, need in loads if need]

    def hint(self, place: Ints) -> None:
        """Hint what items take that stand at places."""
        arrays, model = self._arrays, self._model
        standing = self._standing(place)
        units: Counter[_Unit] = Counter()
        shared: set[int] = set()
        come: Counter[tuple[int, int]] = Counter()
        for (k, spot), count in standing.items():
            uses = arrays.places.uses(spot)
            arriving = count - min(count, self._now[k, arrays.places.node(spot)][spot])
            come[k, int(arrays.parts.domains[k].of[uses[0][0]])] += arriving
            kinds = [share.kind for share in arrays.parts.shares[k]]
            for part, option in uses:
                group = self._groups.of(part)
                whole = group.is_whole(arrays.parts.need(k, part, option))
                if not whole:
                    shared.add(part)
                index = kinds.index(arrays.parts.kind[part])
                units[k, index, group.parts[0] if whole else part, option] += arriving
        for (k, spot), stay in self._stay.items():
            most = self._now[k, arrays.places.node(spot)][spot]
            model.add_hint(stay, min(standing[k, spot], most))
        for key, number in self._come.items():
            if number.index not in self._hinted:
                model.add_hint(number, come[key])
        for unit, number in self._units.items():
            model.add_hint(number, units[unit])
        for part, number in self._used.items():
            model.add_hint(number, part in shared)

    def _standing(self, place: Ints) -> Counter[tuple[int, int]]:
        arrays = self._arrays
        return Counter(
            (k, spot)
            for k, shares in enumerate(arrays.parts.shares)
            if shares
            for spot in place[arrays.members[k]].tolist()
            if spot >= 0
        )

    def places(self, values: list[int]) -> dict[int, list[int]]:
        """Read the places of the items of each class from the values of all variables."""
        arrays = self._arrays
        free = {
            group: [part for part in self._groups.of(group).parts if not self._taken(part, values)]
            for group in self._whole
        }
        found: dict[int, list[int]] = {k: [] for k, s in enumerate(arrays.parts.shares) if s}
        for (k, place), stay in self._stay.items():
            found[k] += [place] * values[stay.index]
        for (k, domain), number in self._come.items():
            count = values[number.index]
            if count:
                found[k] += self._dealt(k, domain, count, values, free)
        return found

    def _taken(self, part: int, values: list[int]) -> bool:
        """Tell whether a part is used by items that stay whole, or by others."""
        numbers = [*self._whole_stays.get(part, ()), *(n for n, _ in self._loads.get(part, ()))]
        return any(values[number.index] for number in numbers)

    def _dealt(
        self, k: int, domain: int, count: int, values: list[int], free: dict[int, list[int]]
    ) -> list[int]:
        """Deal the parts that a class takes in a domain out to its items, in turns."""
        arrays, parts = self._arrays, self._arrays.parts
        hands: list[list[tuple[int, int]]] = [[] for _ in range(count)]
        for index, share in enumerate(parts.shares[k]):
            cards: list[tuple[int, int]] = []
            for part in share.parts[parts.rows(share, parts.domains[k], domain)].tolist():
                group = self._groups.of(part)
                for option, need in enumerate(share.need):
                    unit = self._units.get((k, index, part, option))
                    if unit is not None and group.is_whole(need):
                        cards += [(free[part].pop(), option) for _ in range(values[unit.index])]
                    elif unit is not None:
                        cards += [(part, option)] * values[unit.index]
            for turn, card in enumerate(cards):
                hands[turn % count].append(card)
        node = int(parts.domains[k].node[domain])
        return [arrays.places.number(node, hand) for hand in hands]
