"""Parts of nodes in the CP-SAT formulation: numbers of items on parts, without telling them apart.

Of a class on a node, ``x`` items arrive that take ``c`` different parts each. They exist exactly if
the parts they take sum up to ``c * x`` and no part is taken more than ``x`` times: dealt out in
turns, part by part, no item gets a part twice. Those that stay keep the parts they have.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from typing import Any

import numpy as np
from ortools.sat.python import cp_model

from scheduling.models.placement.arrays import Ints, PlacementArrays
from scheduling.models.placement.part_arrays import ShareArrays

Expression = Any


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
        self._stay: dict[tuple[int, int], Any] = {}
        self._come: dict[tuple[int, int], Any] = {}
        self._units: dict[tuple[int, int, int, int], Any] = {}
        self._loads: dict[int, list[tuple[Any, Ints]]] = defaultdict(list)
        self._now: dict[tuple[int, int], Counter[int]] = defaultdict(Counter)
        self._held: Counter[tuple[int, int]] = Counter()
        inside = [k for k, shares in enumerate(arrays.parts.shares) if shares]
        for item in np.flatnonzero(np.isin(arrays.of_class, inside) & (arrays.now >= 0)).tolist():
            k, place = int(arrays.of_class[item]), int(arrays.now[item])
            if place >= 0:
                self._now[k, arrays.places.node(place)][place] += 1
                self._held[k, place] += int(arrays.pinned[item])

    def add(self, k: int, j: int, most: int) -> tuple[Expression, Expression]:
        """Add the items of a class on a node.

        Returns
        -------
        tuple
            How many there are, at most ``most``, and how many of them stay where they are.
        """
        model, arrays = self._model, self._arrays
        stays, comes = [], list[Any]()
        for place, count in self._now[k, j].items():
            stay = model.new_int_var(self._held[k, place], count, "")
            self._stay[k, place] = stay
            stays.append(stay)
            for part, option in arrays.places.uses(place):
                self._loads[part].append((stay, arrays.parts.need(k, part, option)))
        if arrays.eligible[k, j]:
            domains = arrays.parts.domains[k].by_node.get(j, ())
            comes = [self._arrivals(k, domain, most) for domain in domains]
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
            taken = []
            for row in parts.rows(share, parts.domains[k], domain).tolist():
                units = list(self._of_part(k, index, share, row, most))
                taken += units
                if units:
                    model.add(cp_model.LinearExpr.sum(units) <= come)
            model.add(cp_model.LinearExpr.sum(taken) == share.count * come)
        return come

    def _of_part(
        self, k: int, index: int, share: ShareArrays, row: int, most: int
    ) -> Iterator[Any]:
        part = int(share.parts[row])
        capacity = self._arrays.parts.capacity[part]
        for option in np.flatnonzero(share.open_to[row]).tolist():
            need = share.need[option]
            fits = (capacity[need > 0] // need[need > 0]).min(initial=most)
            unit = self._model.new_int_var(0, int(fits), "")
            self._units[k, index, part, option] = unit
            self._loads[part].append((unit, need))
            yield unit

    def add_capacities(self) -> None:
        """Limit what is taken of each part."""
        capacity = self._arrays.parts.capacity
        for part, loads in self._loads.items():
            for column in range(capacity.shape[1]):
                used = self.used(part, column)
                if any(need[column] for _, need in loads):
                    self._model.add(used <= int(capacity[part, column]))

    def used(self, part: int, column: int) -> Expression:
        """Return what is taken of a resource of a part of the nodes that may change."""
        loads = self.loads(part, column)
        numbers, needs = [number for number, _ in loads], [need for _, need in loads]
        return cp_model.LinearExpr.weighted_sum(numbers, needs)

    def loads(self, part: int, column: int) -> list[tuple[Any, int]]:
        """Return numbers of those that take something of a resource, with what each takes."""
        loads = ((number, int(need[column])) for number, need in self._loads.get(part, ()))
        return [(number, need) for number, need in loads if need]

    def hint(self, place: Ints) -> None:
        """Hint what items take that stand at places."""
        arrays, model = self._arrays, self._model
        standing = self._standing(place)
        units: Counter[tuple[int, int, int, int]] = Counter()
        come: Counter[tuple[int, int]] = Counter()
        for (k, spot), count in standing.items():
            uses = arrays.places.uses(spot)
            arriving = count - min(count, self._now[k, arrays.places.node(spot)][spot])
            come[k, int(arrays.parts.domains[k].of[uses[0][0]])] += arriving
            kinds = [share.kind for share in arrays.parts.shares[k]]
            for part, option in uses:
                units[k, kinds.index(arrays.parts.kind[part]), part, option] += arriving
        for (k, spot), stay in self._stay.items():
            most = self._now[k, arrays.places.node(spot)][spot]
            model.add_hint(stay, min(standing[k, spot], most))
        for key, number in self._come.items():
            model.add_hint(number, come[key])
        for unit, number in self._units.items():
            model.add_hint(number, units[unit])

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
        found: dict[int, list[int]] = {k: [] for k, s in enumerate(arrays.parts.shares) if s}
        for (k, place), stay in self._stay.items():
            found[k] += [place] * values[stay.index]
        for (k, domain), number in self._come.items():
            count = values[number.index]
            if count:
                found[k] += self._dealt(k, domain, count, values)
        return found

    def _dealt(self, k: int, domain: int, count: int, values: list[int]) -> list[int]:
        """Deal the parts that a class takes in a domain out to its items, in turns."""
        arrays, parts = self._arrays, self._arrays.parts
        hands: list[list[tuple[int, int]]] = [[] for _ in range(count)]
        for index, share in enumerate(parts.shares[k]):
            cards = [
                (part, option)
                for part in share.parts[parts.rows(share, parts.domains[k], domain)].tolist()
                for option in range(len(share.need))
                if (k, index, part, option) in self._units
                for _ in range(values[self._units[k, index, part, option].index])
            ]
            for turn, card in enumerate(cards):
                hands[turn % count].append(card)
        node = int(parts.domains[k].node[domain])
        return [arrays.places.number(node, hand) for hand in hands]
