"""The mixed-integer program of a placement problem: numbers of equal items on nodes.

The same statement as the CP-SAT formulation's, in linear rows: ``x[k, j]`` items of class k stand
on node j, ``s[k, j]`` of them stay there; what hangs on a condition has a large constant.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cached_property

import numpy as np

from scheduling.models.placement.arrays import Ints, PlacementArrays
from scheduling.solvers.linear.model import Floats, LinearModel
from scheduling.solvers.linear.rows import RowList, Term
from scheduling.solvers.placement.mip.gangs import add_gangs
from scheduling.solvers.placement.mip.goals import goal_terms
from scheduling.solvers.placement.mip.rules import Rules

_LARGE = 10**6
"""Coefficients above this are written in digits: engines keep rows to about a millionth."""

_DIGIT = 2**16
"""Base of the digits."""


class Program:
    """A linear model of one tier of a problem.

    Parameters
    ----------
    arrays
        The problem, without parts of nodes.
    tier
        The tier to minimise.
    caps
        Values that the tiers before may not exceed.
    """

    def __init__(self, arrays: PlacementArrays, tier: int, caps: tuple[int, ...]) -> None:
        self.arrays = arrays
        self.model = LinearModel("placement")
        self.rows = RowList()
        self.size = arrays.size()
        self.present = arrays.running.sum(axis=1)
        self._add_cells()
        self._add_capacities()
        self._add_sizes()
        if arrays.patient.any():
            self._keep_patience()
        rules = Rules(self)
        rules.add()
        add_gangs(self, rules)
        self._add_limits()
        for earlier, cap in enumerate(caps[:tier]):
            terms, constant = self._tier(earlier)
            self.at_most(terms, cap - constant)
        terms, constant = self._tier(tier)
        if terms:
            columns, costs = zip(*terms, strict=True)
            self.model.add_costs(columns, costs)
        self.model.offset = float(constant)
        self.rows.add_to(self.model, "rows")

    # --------------------------------------------------------------------------- building blocks

    def binary(self) -> int:
        """Add a variable that is 0 or 1 and return its column."""
        return int(self.model.add_columns("flag", 1, upper=1.0, integer=True)[0])

    def number(self, upper: float) -> int:
        """Add a whole number from 0 on and return its column."""
        return int(self.model.add_columns("number", 1, upper=upper, integer=True)[0])

    def at_most(self, terms: Sequence[Term], upper: float) -> None:
        """Add a row ``sum(terms) <= upper``.

        Whole coefficients ``a = d h + l`` that are large, with ``0 <= l < d``, become two rows with
        a carry c, ``sum(l x) - d c <= l'`` and ``sum(h x) + c <= h'``. With x and c whole, both
        hold together exactly where the row does, and in the relaxation too.
        """
        largest = max((abs(value) for _, value in terms), default=0.0)
        if max(largest, abs(upper)) <= _LARGE or not all(float(v).is_integer() for _, v in terms):
            self.rows.at_least([(column, -value) for column, value in terms], -upper)
            return
        high, low = divmod(math.floor(upper), _DIGIT)
        parts = [(column, *divmod(int(value), _DIGIT)) for column, value in terms]
        carry = self.number(math.inf)
        self.at_most([*((x, rest) for x, _, rest in parts), (carry, -_DIGIT)], low)
        self.at_most([*((x, whole) for x, whole, _ in parts), (carry, 1)], high)

    def items(self, classes: tuple[int, ...], nodes: Ints | None = None) -> list[Term]:
        """Terms that sum up to the items of some classes, on all nodes or on some."""
        x = self.x[np.array(classes, np.int64)]
        x = x if nodes is None else x[:, nodes]
        return [(column, 1.0) for column in x[x >= 0].tolist()]

    def most(self, classes: tuple[int, ...]) -> int:
        """Items of some classes."""
        return int(self.size[list(classes)].sum())

    def stays(self, k: int) -> list[Term]:
        """Terms that sum up to the items of a class that stay."""
        return [(column, 1.0) for column in self.s[k][self.s[k] >= 0].tolist()]

    # ------------------------------------------------------------------------------------- rows

    def _add_cells(self) -> None:
        """Add the numbers; cells that hold nothing have column -1."""
        arrays = self.arrays
        reachable = arrays.reachable
        upper = np.where(reachable, self.size[:, None], arrays.running)
        for column in range(arrays.demand.shape[1]):
            needing = np.flatnonzero(arrays.demand[:, column] > 0)
            fits = arrays.capacity[:, column] // arrays.demand[needing, column][:, None]
            upper[needing] = np.minimum(upper[needing], fits)
        upper = np.maximum(upper, arrays.held)
        cells = upper > 0
        staying = cells & (arrays.running > 0)
        self.x = np.full(cells.shape, -1, np.int64)
        self.s = self.x.copy()
        self.x[cells] = self.model.add_columns(
            "x", int(cells.sum()), lower=arrays.held[cells], upper=upper[cells], integer=True
        )
        self.s[staying] = self.model.add_columns(
            "stay",
            int(staying.sum()),
            lower=arrays.held[staying],
            upper=np.minimum(arrays.running, upper)[staying],
            integer=True,
        )
        for k, j in np.argwhere(staying).tolist():
            # What runs where it may not go can only stay.
            lower = -math.inf if reachable[k, j] else 0.0
            stay, number = int(self.s[k, j]), int(self.x[k, j])
            self.at_most([(stay, 1.0), (number, -1.0)], 0.0)
            if lower == 0.0:
                self.at_most([(number, 1.0), (stay, -1.0)], 0.0)

    def _add_capacities(self) -> None:
        arrays = self.arrays
        for column in range(arrays.demand.shape[1]):
            needing = np.flatnonzero(arrays.demand[:, column] > 0)
            if not needing.size:
                continue
            need = arrays.demand[needing, column]
            unit = int(np.gcd.reduce(need))
            room, need = arrays.capacity[:, column] // unit, need // unit
            small = room <= _LARGE
            k, j = np.nonzero((self.x[needing] >= 0) & small)
            x = self.x[needing[k], j]
            self.model.add_rows(f"resource {column}", len(room), j, x, need[k], upper=room)
            for node in np.flatnonzero(~small).tolist():
                self._fill(needing, need, node, int(room[node]))
        for node, column in np.argwhere(arrays.excess > 0).tolist():
            self._drain(node, column)

    def _drain(self, node: int, column: int) -> None:
        """Let items that ask for what is overcommitted arrive only where all fits then."""
        arrays, x = self.arrays, self.x[:, node]
        needing = np.flatnonzero((arrays.demand[:, column] > 0) & (x >= 0))
        coming = needing[arrays.drained[needing, node]].tolist()
        if not coming:
            return
        drained = self.binary()
        used = zip(x[needing].tolist(), arrays.demand[needing, column].tolist(), strict=True)
        excess = float(arrays.excess[node, column])
        terms = [*((k, float(need)) for k, need in used), (drained, excess)]
        self.at_most(terms, int(arrays.capacity[node, column]))
        for k in coming:
            row = [(int(x[k]), 1.0), (drained, -float(self.size[k]))]
            stay = int(self.s[k, node])
            self.at_most([*row, (stay, -1.0)] if stay >= 0 else row, 0.0)

    def _fill(self, classes: Ints, need: Ints, node: int, room: int) -> None:
        """Let items of some classes take no more than there is on a node."""
        pairs = zip(self.x[classes, node].tolist(), need.tolist(), strict=True)
        terms = [(x, float(amount)) for x, amount in pairs if x >= 0 and amount > 0]
        if terms:
            self.at_most(terms, room)

    def _add_sizes(self) -> None:
        k, j = np.nonzero(self.x >= 0)
        self.model.add_rows("class", len(self.size), k, self.x[k, j], 1.0, upper=self.size)

    def _keep_patience(self) -> None:
        """Let items that preempt nothing take only what is free beside all that runs now."""
        arrays, spare = self.arrays, self.arrays.spare()
        patient = np.flatnonzero(arrays.patient)
        for column in range(arrays.demand.shape[1]):
            need = arrays.demand[patient, column]
            for node in range(arrays.n_nodes) if need.any() else ():
                self._fill(patient, need, node, int(spare[node, column]))

    def _add_limits(self) -> None:
        arrays = self.arrays
        everyone = tuple(range(arrays.n_classes))
        moves = [] if arrays.max_moves is None else [(everyone, arrays.max_moves)]
        for classes, allowed in (*moves, *arrays.budgets):
            terms = [term for k in classes for term in self.stays(k)]
            least = int(self.present[list(classes)].sum()) - allowed
            if least > 0:
                self.rows.at_least(terms, least)
        for need, limit in arrays.quotas:
            rows = np.flatnonzero(need).tolist()
            terms = [(x, float(need[k])) for k in rows for x, _ in self.items((k,))]
            if terms:
                self.at_most(terms, limit)

    # -------------------------------------------------------------------------------- objective

    @cached_property
    def lost(self) -> dict[int, int]:
        """Columns of the items of each class that ran and that none of the class replaces.

        They are at least ``present - placed``, and exactly that or 0, so that a goal may also have
        them with a negative sign.
        """
        found = {}
        for k in np.flatnonzero(self.present).tolist():
            present, size = int(self.present[k]), int(self.size[k])
            found[k] = self.number(present)
            none = self.binary()
            placed = self.items((k,))
            self.rows.at_least([(found[k], 1.0), *placed], present)
            self.at_most([(found[k], 1.0), *placed, (none, -float(size))], present)
            self.at_most([(found[k], 1.0), (none, float(present))], present)
        return found

    def _tier(self, tier: int) -> tuple[list[Term], int]:
        """Terms and constant of a tier's value."""
        arrays = self.arrays
        if tier >= arrays.n_priorities:
            return goal_terms(self, arrays.goals[tier - arrays.n_priorities])
        classes = tuple(np.flatnonzero(arrays.tier == tier).tolist())
        return [(x, -1.0) for x, _ in self.items(classes)], self.most(classes)

    # -------------------------------------------------------------------------------- solutions

    def places(self, values: Floats) -> Ints:
        """Read the place of each item from the values of all variables."""
        counts = np.where(self.x >= 0, np.round(values[self.x]), 0.0).astype(np.int64)
        return self.arrays.assign(counts)
