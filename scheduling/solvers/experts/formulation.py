"""The CP-SAT formulation of expert placement, for all devices or for some of them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from math import lcm
from typing import Any

import numpy as np
from ortools.sat.python import cp_model

from scheduling.models.experts.arrays import ExpertArrays, Ints
from scheduling.models.experts.problem import LOAD_SCALE

Expression = Any

_LARGEST_UNIT = 2**12
"""Loads are counted in thousandths over this at the finest, rounded down."""


class Formulation:
    """CP-SAT model: for each expert and number of copies, how many of them stand where.

    Loads of copies are rounded down to a fine unit (exact where all numbers of copies divide it),
    so the bound is valid, and what a solution is worth is found without rounding.

    Parameters
    ----------
    arrays
        The problem.
    devices
        Devices of the part, all of one node; ``None``: all there are.
    fixed
        Placement that stands on the others; experts with copies there keep their number of copies.
    """

    def __init__(
        self,
        arrays: ExpertArrays,
        devices: Iterable[int] | None = None,
        fixed: Ints | None = None,
    ) -> None:
        self.arrays = arrays
        self.model = cp_model.CpModel()
        everywhere = range(len(arrays.slots))
        self.devices = list(everywhere if devices is None else devices)
        self._fixed = np.zeros(arrays.held.shape, np.int64) if fixed is None else fixed.copy()
        self._fixed[self.devices] = 0
        self._copies = self._choices(fixed)
        self._unit = self._finest()
        self._cells: dict[tuple[int, int], list[tuple[int, Any]]] = defaultdict(list)
        for expert, choices in self._copies.items():
            self._place(expert, choices)
        self._fill_slots()
        if devices is None and arrays.n_nodes > 1:
            self._keep_groups()
        self.load = self._largest_load()
        self.bytes = self._copied()

    def _choices(self, fixed: Ints | None) -> dict[int, list[int]]:
        """Numbers of copies that each expert of the part may have in the part."""
        room = int(self.arrays.slots[self.devices].sum())
        elsewhere = self._fixed.sum(axis=0).tolist()
        experts = range(len(elsewhere))
        kept = [1] * len(elsewhere) if fixed is None else fixed[self.devices].sum(axis=0).tolist()
        spare = room - sum(kept[e] if elsewhere[e] else min(1, kept[e]) for e in experts)
        return {
            e: [kept[e]] if elsewhere[e] else list(range(1, spare + 2)) for e in experts if kept[e]
        }

    def _finest(self) -> int:
        unit = 1
        for choices in self._copies.values():
            unit = lcm(unit, *choices) if unit <= _LARGEST_UNIT else unit
        return min(unit, _LARGEST_UNIT)

    def _share(self, expert: int, copies: int) -> int:
        """Load of one copy when the expert has ``copies`` in the part, in units."""
        total = copies + int(self._fixed[:, expert].sum())
        return LOAD_SCALE * self._unit * int(self.arrays.load[expert]) // total

    def _place(self, expert: int, choices: list[int]) -> None:
        """Spread the copies of one expert over the devices, for each number of them."""
        model, slots = self.model, self.arrays.slots
        chosen = {copies: model.new_bool_var("") for copies in choices}
        model.add_exactly_one(chosen.values())
        for copies, literal in chosen.items():
            numbers = []
            for device in self.devices:
                most = min(copies, int(slots[device]))
                number = model.new_int_var(0, most, "")
                if len(choices) > 1:
                    model.add(number <= most * literal)
                self._cells[expert, device].append((copies, number))
                numbers.append(number)
            model.add(sum(numbers) == copies * literal)

    def _fill_slots(self) -> None:
        for device in self.devices:
            numbers = [
                number
                for expert in self._copies
                for _, number in self._cells.get((expert, device), ())
            ]
            self.model.add(sum(numbers) == int(self.arrays.slots[device]))

    def _keep_groups(self) -> None:
        """Keep each group on one node, and equally many groups on each node."""
        arrays, model = self.arrays, self.model
        groups, nodes = range(arrays.n_groups), range(arrays.n_nodes)
        home = {(group, node): model.new_bool_var("") for group in groups for node in nodes}
        for group in groups:
            model.add_exactly_one(home[group, node] for node in nodes)
        for node in nodes:
            each = arrays.n_groups // arrays.n_nodes
            model.add(sum(home[group, node] for group in groups) == each)
        for (expert, device), cells in self._cells.items():
            literal = home[int(arrays.group[expert]), int(arrays.node[device])]
            for _, number in cells:
                model.add(number == 0).only_enforce_if(~literal)

    def _largest_load(self) -> Expression:
        """Largest load of a device of the part, in thousandths."""
        model = self.model
        most = LOAD_SCALE * int(self.arrays.load.sum())
        value = model.new_int_var(0, most, "")
        loads = []
        for device in self.devices:
            terms = [
                self._share(expert, copies) * number
                for expert in self._copies
                for copies, number in self._cells[expert, device]
            ]
            load = sum(terms)
            model.add(load <= self._unit * value)
            loads.append(load)
        self._order_equal_devices(loads)
        return value

    def _order_equal_devices(self, loads: list[Any]) -> None:
        """Of devices that nothing tells apart, an earlier one has at least as much load."""
        last: dict[Any, Any] = {}
        for device, load in zip(self.devices, loads, strict=True):
            key = self._kind(device)
            if key in last:
                self.model.add(last[key] >= load)
            last[key] = load

    def _kind(self, device: int) -> Any:
        """Return what tells a device apart from others."""
        arrays = self.arrays
        return (arrays.node[device], arrays.slots[device], arrays.held[device].tobytes())

    def _copied(self) -> Expression:
        """Bytes that devices of the part have to fetch."""
        arrays, terms = self.arrays, []
        for (expert, device), cells in self._cells.items():
            if not arrays.held[device, expert]:
                fetched = self.model.new_bool_var("")
                for _, number in cells:
                    self.model.add(number == 0).only_enforce_if(~fetched)
                terms.append(int(arrays.size[expert]) * fetched)
        return sum(terms, 0)

    def hint(self, counts: Ints) -> None:
        """Hint a placement."""
        counts = self._ordered(counts)
        inside = counts[self.devices].sum(axis=0)
        for (expert, device), cells in self._cells.items():
            for copies, number in cells:
                here = int(counts[device, expert]) if copies == inside[expert] else 0
                self.model.add_hint(number, here)

    def _ordered(self, counts: Ints) -> Ints:
        """Exchange the fillings of equal devices so that earlier ones have more load."""
        loads = counts @ (self.arrays.load / counts.sum(axis=0))
        found = counts.copy()
        alike: dict[Any, list[int]] = defaultdict(list)
        for device in self.devices:
            alike[self._kind(device)].append(device)
        for devices in alike.values():
            found[devices] = counts[sorted(devices, key=lambda device: -loads[device])]
        return found

    def counts(self, values: list[int]) -> Ints:
        """Read the table of copies from the values of all variables."""
        table = self._fixed.copy()
        for (expert, device), cells in self._cells.items():
            table[device, expert] = sum(values[number.index] for _, number in cells)
        return table
