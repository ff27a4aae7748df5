"""Expected fragmentation as an expression over the numbers of a formulation."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from ortools.sat.python import cp_model

from scheduling.models.placement.fragmentation import Ints, Request, WorkloadArrays

if TYPE_CHECKING:
    from scheduling.solvers.placement.cpsat.model import Formulation

Expression = Any


def fragmentation(part: Formulation) -> Expression:
    """Return what typical requests cannot use of what is free, by weight."""
    workload = part.arrays.workload
    if workload is None:
        return 0
    outside = np.flatnonzero(~part.free)
    free = workload.capacity - part.fixed.T @ workload.need
    inside = workload.stated - part.arrays.taken(part.settled)
    settled = workload.lost(outside, free[outside], workload.parts_of(outside, inside))
    terms: list[Expression] = [int(settled.sum())]
    for j in np.flatnonzero(part.free).tolist():
        node = _Node(part, workload, j)
        terms += [request.weight * node.lost(request) for request in workload.requests]
    return cp_model.LinearExpr.sum(terms)


class _Node:
    """What is free on one node of the part."""

    def __init__(self, part: Formulation, workload: WorkloadArrays, j: int) -> None:
        self._part, self._workload, self._j = part, workload, j
        classes = part.by_node.get(j, [])
        numbers = [part.count[k, j] for k in classes]
        rooms, needs = workload.capacity[j].tolist(), workload.need[classes].T.tolist()
        self._left: list[Expression] = [
            room - cp_model.LinearExpr.weighted_sum(numbers, need)
            for room, need in zip(rooms, needs, strict=True)
        ]
        self._parts: list[int] = [p for p in workload.slots[j].tolist() if p >= 0]
        self._roomy: dict[tuple[int, int, int], Any] = {}

    def _free(self, left: Expression, room: int) -> Any:
        """Return what is free: no less than what is left, and than 0 where that is negative."""
        free = self._part.model.new_int_var(0, room, "")
        self._part.model.add(free >= left)
        return free

    @cached_property
    def _pieces(self) -> dict[int, Any]:
        """What is free of the parts that count."""
        workload, column = self._workload, self._workload.column
        return {
            p: self._free(self._part_left(p, column), int(workload.stated[p, column]))
            for p in self._parts
            if workload.kinds[p] == workload.kind
        }

    @cached_property
    def _total(self) -> Expression:
        workload = self._workload
        if workload.kind is None:
            room = int(workload.capacity[self._j, workload.column])
            return self._free(self._left[workload.column], room)
        return cp_model.LinearExpr.sum(list(self._pieces.values()))

    def _part_left(self, p: int, column: int) -> Expression:
        return int(self._workload.stated[p, column]) - self._part.parts.used(p, column)

    def lost(self, request: Request) -> Expression:
        """Return what a request cannot use."""
        if request.least == 0 or not request.allowed[self._j]:
            return self._total
        model, workload = self._part.model, self._workload
        room = self._most()
        lost, runs = model.new_int_var(0, room, ""), model.new_bool_var("")
        model.add(lost >= self._total).only_enforce_if(~runs)
        for n, need in enumerate(request.need.tolist()):
            if need:
                model.add(self._left[n] >= need).only_enforce_if(runs)
        for share in request.shares:
            fits = [
                self._fits(p, share.options) for p in self._parts if workload.kinds[p] == share.kind
            ]
            model.add(cp_model.LinearExpr.sum(fits) >= share.count).only_enforce_if(runs)
        small = [self._small(p, piece, request.least) for p, piece in self._pieces.items()]
        model.add(lost >= cp_model.LinearExpr.sum(small))
        return lost

    def _most(self) -> int:
        workload = self._workload
        if workload.kind is None:
            return int(workload.capacity[self._j, workload.column])
        return int(workload.stated[list(self._pieces), workload.column].sum())

    def _small(self, p: int, piece: Any, least: int) -> Any:
        """Return a piece where it is smaller than what is asked, and 0 else."""
        model = self._part.model
        key = (p, -1, least)
        if key not in self._roomy:
            small = model.new_int_var(0, int(self._workload.stated[p, self._workload.column]), "")
            large = model.new_bool_var("")
            left = self._part_left(p, self._workload.column)
            model.add(left >= least).only_enforce_if(large)
            model.add(small >= piece).only_enforce_if(~large)
            self._roomy[key] = small
        return self._roomy[key]

    def _fits(self, p: int, options: Ints) -> Any:
        """Return a literal that a part has room for one of some options."""
        model = self._part.model
        literals = []
        for option in options:
            literal = model.new_bool_var("")
            for column, need in enumerate(option.tolist()):
                if need:
                    model.add(self._part_left(p, column) >= need).only_enforce_if(literal)
            literals.append(literal)
        fits = model.new_bool_var("")
        model.add_bool_or([*literals, ~fits])
        return fits
