"""Solver ``cp-sat``: the memory of each tensor in each step, and the copies between them."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

import numpy as np

from scheduling.models.tiers.arrays import Ints
from scheduling.solvers.bases import NeedsCpSat
from scheduling.solvers.board import Board, Budget
from scheduling.solvers.tiers.entries import Entries, entries_of
from scheduling.solvers.tiers.family import CompiledTiers

if TYPE_CHECKING:
    from ortools.sat.python import cp_model

LARGEST_CHOICES = 60_000
"""Most pairs of an entry and a memory that one model may have."""


_LARGEST = 2**60
"""Bytes of a step, times the ratio of two rates, must stay below this: CP-SAT counts in 64 bits."""


class CpSat(NeedsCpSat):
    """CP-SAT of OR-Tools: exact. One work unit is one unit of its deterministic time."""

    name = "cp-sat"
    summary = "CP-SAT (OR-Tools), memory by step and copies: exact, proves optimality"

    def refusal(self, data: CompiledTiers) -> str | None:
        """Refuse models that would not be solved in any time."""
        return refusal(data)

    def search(
        self, data: CompiledTiers, board: Board[Ints], budget: Budget, hint: Ints | None
    ) -> None:
        """Solve, starting from the best candidate or from ``hint``."""
        from scheduling.solvers.cpsat.posting import BoardRun

        formulation = _Formulation(data, board.bound or 0)
        BoardRun(board, self.name, formulation.memories, data.values).whole(
            formulation, budget, hint
        )


def refusal(data: CompiledTiers) -> str | None:
    """Refuse what has too many pairs of an entry and a memory."""
    count = int(data.arrays.live.sum()) * data.arrays.n_memories
    if count > LARGEST_CHOICES:
        return f"{count} places of tensors in steps, above {LARGEST_CHOICES}; use descent"
    arrays = data.arrays
    rates = [*arrays.bandwidth.tolist(), *([int(arrays.link)] if arrays.link else [])]
    moved = (arrays.bytes + arrays.live * arrays.size[:, None]).sum(axis=0, dtype=float)
    reached = float(moved.max()) * max(rates) / min(rates)
    if reached >= _LARGEST:
        return f"numbers reach {reached:.1e}, above {_LARGEST:.1e}; use descent"
    return None


class _Formulation:
    """Booleans for places and copies, and the ticks of each step."""

    def __init__(self, data: CompiledTiers, bound: int) -> None:
        from ortools.sat.python import cp_model

        self._arrays = data.arrays
        self._entries = entries_of(data.arrays)
        self.model = cp_model.CpModel()
        shape = self._entries.open_.shape
        self._place = [
            [self.model.new_bool_var("") for _ in range(shape[1])] for _ in range(shape[0])
        ]
        self._copy: dict[tuple[int, int], Any] = {}
        self._places(self._entries)
        self._loads(self._entries, bound)

    def _places(self, entries: Entries) -> None:
        model = self.model
        for number, row in enumerate(self._place):
            model.add_exactly_one(row)
            for memory, place in enumerate(row):
                if not entries.open_[number, memory]:
                    model.add(place == 0)
                if not entries.follows[number]:
                    continue
                following = self._place[number + 1][memory]
                if entries.copies[number, memory]:
                    copy = model.new_bool_var("")
                    self._copy[number, memory] = copy
                    model.add_bool_or([following.negated(), place, copy])
                elif memory != self._arrays.home[entries.tensor[number]]:
                    model.add_implication(following, place)

    def _loads(self, entries: Entries, bound: int) -> None:
        arrays, model = self._arrays, self.model
        room: dict[tuple[int, int], list[tuple[Any, int]]] = defaultdict(list)
        used: dict[tuple[int, int], list[tuple[Any, int]]] = defaultdict(list)
        copied: dict[int, list[tuple[Any, int]]] = defaultdict(list)
        tensors, steps = entries.tensor.tolist(), entries.step.tolist()
        for number, (tensor, step) in enumerate(zip(tensors, steps, strict=True)):
            size, count = int(arrays.size[tensor]), int(arrays.bytes[tensor, step])
            for memory, place in enumerate(self._place[number]):
                if memory != arrays.home[tensor]:
                    room[memory, step].append((place, size))
                if count:
                    used[memory, step].append((place, count))
                copy = self._copy.get((number, memory))
                if copy is not None:
                    room[memory, step].append((copy, size))
                    copied[step].append((copy, size))
        for (memory, _), terms in room.items():
            if sum(size for _, size in terms) > entries.room[memory]:
                model.add(_sum(terms) <= int(entries.room[memory]))
        ticks = []
        for step, compute in enumerate(arrays.compute.tolist()):
            most = max(compute, *self._slowest(used, copied, step))
            tick = model.new_int_var(compute, most, "")
            ticks.append(tick)
            rows = [(used[m, step], rate) for m, rate in enumerate(arrays.bandwidth.tolist())]
            rows += [(copied[step], int(arrays.link))] if arrays.link else []
            for terms, rate in rows:
                # What the computing hides anyway may be beyond the numbers that CP-SAT takes.
                if sum(count for _, count in terms) > rate * compute:
                    model.add(_sum(terms) <= rate * tick)
        total = sum(ticks)
        model.add(total >= bound)
        model.minimize(total)

    def _slowest(self, used: Any, copied: Any, step: int) -> list[int]:
        """Return upper limits of the ticks of a step by what it may use."""
        arrays = self._arrays
        rates = [*arrays.bandwidth.tolist(), max(1, arrays.link)]
        loads = [used[memory, step] for memory in range(arrays.n_memories)] + [copied[step]]
        return [
            -(-sum(n for _, n in terms) // rate) for terms, rate in zip(loads, rates, strict=True)
        ]

    def hint(self, memories: Ints) -> None:
        """Start from a placement."""
        entries = self._entries
        chosen = memories[entries.tensor, entries.step].tolist()
        for row, memory in zip(self._place, chosen, strict=True):
            for number, place in enumerate(row):
                self.model.add_hint(place, number == memory)
        for (number, memory), copy in self._copy.items():
            self.model.add_hint(copy, chosen[number] != memory == chosen[number + 1])

    def memories(self, values: list[int]) -> Ints:
        """Return the placement from the values of all variables."""
        chosen = [
            next(memory for memory, place in enumerate(row) if values[place.index])
            for row in self._place
        ]
        return self._entries.memories(self._arrays, np.array(chosen, np.int64))


def _sum(terms: list[tuple[Any, int]]) -> cp_model.LinearExprT:
    from ortools.sat.python import cp_model

    return cp_model.LinearExpr.weighted_sum([v for v, _ in terms], [n for _, n in terms])
