"""Solver ``mip``: places and copies as a mixed-integer program on any engine."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from scheduling.models.tiers.arrays import Ints, TieredArrays
from scheduling.solvers.board import Board, Budget
from scheduling.solvers.linear.program import ProgramSolver, too_large
from scheduling.solvers.tiers.cpsat import refusal
from scheduling.solvers.tiers.entries import Entries, entries_of
from scheduling.solvers.tiers.family import CompiledTiers, offer

if TYPE_CHECKING:
    from scheduling.solvers.linear.model import Floats, LinearModel


class Mip(ProgramSolver):
    """A binary for each place and each copy, and the ticks of each step."""

    def refusal(self, data: CompiledTiers) -> str | None:
        """Refuse programs that would not be solved in any time, and steps of too many ticks."""
        return refusal(data) or too_large(_longest(data.arrays), "steps")

    def search(
        self,
        data: CompiledTiers,
        board: Board[Ints],
        budget: Budget,
        hint: Ints | None,  # noqa: ARG002 - what is known is on the board
    ) -> None:
        """Solve."""
        from scheduling.solvers.linear.model import LinearModel

        model = LinearModel("tiers")
        entries = entries_of(data.arrays)
        place = _state(data.arrays, entries, model)

        def post(values: Floats) -> None:
            chosen = np.argmax(values[place], axis=1)
            offer(data, board, entries.memories(data.arrays, chosen), self.name)

        self.run(model, post, board, budget)


def _longest(arrays: TieredArrays) -> int:
    """Return ticks that no step exceeds."""
    times = [int(arrays.compute.max())]
    times.append(-(-int(arrays.bytes.sum(axis=0).max()) // int(arrays.bandwidth.min())))
    if arrays.link:
        times.append(-(-int(arrays.size.sum()) // arrays.link))
    return max(times)


def _state(arrays: TieredArrays, entries: Entries, model: LinearModel) -> Ints:
    """State the program; return the columns of the places, (entries, memories)."""
    count, memories = entries.open_.shape
    place = model.add_columns(
        "place", (count, memories), upper=entries.open_.astype(float), integer=True
    )
    copy = model.add_columns(
        "copy", (count, memories), upper=entries.copies.astype(float), integer=True
    )
    ticks = model.add_columns(
        "ticks", arrays.n_steps, lower=arrays.compute.astype(float), cost=1.0, integer=True
    )
    rows = np.repeat(np.arange(count), memories)
    model.add_rows("one place", count, rows, place.ravel(), 1.0, lower=1, upper=1)
    elsewhere = np.arange(memories)[None, :] != arrays.home[entries.tensor][:, None]
    number, memory = np.nonzero(elsewhere & entries.follows[:, None])
    each = np.arange(len(number))
    model.add_rows(
        "moved",
        len(number),
        np.concatenate((each, each, each)),
        np.concatenate((place[number + 1, memory], place[number, memory], copy[number, memory])),
        np.concatenate((np.ones(len(each)), -np.ones(len(each)), -np.ones(len(each)))),
        upper=0.0,
    )
    _room(arrays, entries, model, (place, copy))
    _times(arrays, entries, model, (place, copy, ticks))
    return place


def _room(
    arrays: TieredArrays, entries: Entries, model: LinearModel, columns: tuple[Ints, Ints]
) -> None:
    place, copy = columns
    size = arrays.size[entries.tensor].astype(float)
    for memory in range(arrays.n_memories):
        elsewhere = arrays.home[entries.tensor] != memory
        model.add_rows(
            "room",
            arrays.n_steps,
            np.concatenate((entries.step[elsewhere], entries.step[elsewhere])),
            np.concatenate((place[elsewhere, memory], copy[elsewhere, memory])),
            np.concatenate((size[elsewhere], size[elsewhere])),
            upper=float(entries.room[memory]),
        )


def _times(
    arrays: TieredArrays, entries: Entries, model: LinearModel, columns: tuple[Ints, Ints, Ints]
) -> None:
    place, copy, ticks = columns
    steps = np.arange(arrays.n_steps)
    used = arrays.bytes[entries.tensor, entries.step].astype(float)
    for memory, rate in enumerate(arrays.bandwidth.tolist()):
        model.add_rows(
            "used",
            arrays.n_steps,
            np.concatenate((steps, entries.step)),
            np.concatenate((ticks, place[:, memory])),
            np.concatenate((np.ones(len(steps)), -used / rate)),
            lower=0.0,
        )
    if arrays.link:
        size = arrays.size[entries.tensor] / arrays.link
        rows = np.repeat(entries.step, arrays.n_memories)
        model.add_rows(
            "copied",
            arrays.n_steps,
            np.concatenate((steps, rows)),
            np.concatenate((ticks, copy.ravel())),
            np.concatenate((np.ones(len(steps)), -np.repeat(size, arrays.n_memories))),
            lower=0.0,
        )
