"""A program taken apart: one block for each model, and the rows that tie them together."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from scheduling.solvers.linear.model import Floats, Ints, LinearModel, Matrix

_NOTHING = 1e-7
"""Reduced costs of shared columns below this are rounding."""


@dataclass(frozen=True, eq=False)
class Block:
    """The part of a program that only concerns one model.

    Attributes
    ----------
    columns
        Its columns in the program, integers first.
    cost
        Their objective coefficients.
    model
        Its own rows, without costs.
    links
        Coefficients in the tying rows, one row of coordinates for each: row, column, value.
    """

    columns: Ints
    cost: Floats
    model: LinearModel
    links: tuple[Ints, Ints, Floats]

    def usage(self, values: Floats, count: int) -> Floats:
        """Return what a point of the block takes of each tying row."""
        row, column, value = self.links
        taken = np.bincount(row, weights=value * values[column], minlength=count)
        return taken.astype(np.float64)

    def reduced(self, duals: Floats) -> Floats:
        """Costs less what the duals of the tying rows pay."""
        row, column, value = self.links
        paid = np.bincount(column, weights=value * duals[row], minlength=len(self.cost))
        found: Floats = self.cost - paid
        return found


@dataclass(frozen=True, eq=False)
class Parts:
    """A program in parts.

    Attributes
    ----------
    blocks
        One for each model that has columns.
    shared
        Columns of no block.
    rows
        Indices of the tying rows in the program.
    lower, upper
        Their sides.
    ties
        Coefficients of the shared columns in them: row, position in ``shared``, value.
    """

    blocks: tuple[Block, ...]
    shared: Ints
    rows: Ints
    lower: Floats
    upper: Floats
    ties: tuple[Ints, Ints, Floats]

    def priced(self, duals: Floats) -> Floats:
        """Return duals with the signs that the sides of the tying rows ask for."""
        found = np.where(np.isneginf(self.lower), np.minimum(duals, 0.0), duals)
        clean: Floats = np.where(np.isposinf(self.upper), np.maximum(found, 0.0), found)
        return clean

    def constant(self, program: LinearModel, duals: Floats) -> float:
        """Return the part of the Lagrangian bound beside the blocks.

        That is the least of ``duals * side`` over the sides of each tying row, and of the reduced
        cost of each shared column over its range; ``-inf`` when that has no limit.
        """
        used = duals != 0
        sides = np.where(duals > 0, self.lower, self.upper)
        found = float(duals[used] @ sides[used])
        lower, upper = (limit[self.shared] for limit in program.bounds())
        row, column, value = self.ties
        costs = program.costs()[self.shared]
        costs = costs - np.bincount(column, weights=value * duals[row], minlength=len(costs))
        costs[np.abs(costs) < _NOTHING] = 0.0
        priced = costs != 0
        return found + float(
            (costs[priced] * np.where(costs[priced] > 0, lower[priced], upper[priced])).sum()
        )


def split(program: LinearModel, owner: Ints) -> Parts:
    """Take a program apart.

    Parameters
    ----------
    program
        The whole.
    owner
        For each column the number of its block, or -1 where it is shared.
    """
    row, column, value = _coordinates(program.matrix())
    lower, upper = program.sides()
    low, high = (np.full(program.n_rows, side) for side in (np.iinfo(np.int64).max, -2))
    np.minimum.at(low, row, owner[column])
    np.maximum.at(high, row, owner[column])
    inside = (low == high) & (low >= 0)
    tying = np.flatnonzero(~inside & (high > -2))
    place = np.full(program.n_rows, -1)
    place[tying] = np.arange(len(tying))
    blocks = tuple(
        _block(program, (row, column, value), owner == number, inside & (low == number), place)
        for number in np.unique(owner[owner >= 0]).tolist()
    )
    shared = np.flatnonzero(owner < 0)
    spot = np.full(program.n_columns, -1)
    spot[shared] = np.arange(len(shared))
    here = (place[row] >= 0) & (spot[column] >= 0)
    ties = place[row[here]], spot[column[here]], value[here]
    return Parts(blocks, shared, tying, lower[tying], upper[tying], ties)


def _coordinates(matrix: Matrix) -> tuple[Ints, Ints, Floats]:
    column = np.repeat(np.arange(len(matrix.start) - 1), np.diff(matrix.start))
    return matrix.index, column, matrix.value


def _block(
    program: LinearModel,
    entries: tuple[Ints, Ints, Floats],
    mine: np.ndarray,
    inside: np.ndarray,
    place: Ints,
) -> Block:
    row, column, value = entries
    integers = program.integers()
    columns = np.concatenate([np.flatnonzero(mine & integers), np.flatnonzero(mine & ~integers)])
    lower, upper = program.bounds()
    model = LinearModel("block")
    whole = int((mine & integers).sum())
    for part, integer in ((columns[:whole], True), (columns[whole:], False)):
        model.add_columns("x", len(part), lower=lower[part], upper=upper[part], integer=integer)
    spot = np.full(program.n_columns, -1)
    spot[columns] = np.arange(len(columns))
    rows = np.flatnonzero(inside)
    order = np.full(program.n_rows, -1)
    order[rows] = np.arange(len(rows))
    here = (order[row] >= 0) & (spot[column] >= 0)
    low, high = program.sides()
    model.add_rows(
        "rows",
        len(rows),
        order[row[here]],
        spot[column[here]],
        value[here],
        lower=low[rows],
        upper=high[rows],
    )
    tied = (place[row] >= 0) & (spot[column] >= 0)
    links = place[row[tied]], spot[column[tied]], value[tied]
    return Block(columns, program.costs()[columns], model, links)
