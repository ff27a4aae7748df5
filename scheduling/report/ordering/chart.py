"""Charts of orders of transactions: when each runs, and which of them make the batch long."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from scheduling.models.ordering.arrays import compile_ordering
from scheduling.models.ordering.problem import OrderingProblem
from scheduling.models.ordering.solution import OrderingSolution
from scheduling.report.axes import name_rows
from scheduling.report.palette import INK, series_colour
from scheduling.report.words import proven

if TYPE_CHECKING:
    from matplotlib.figure import Figure

CHAIN = ("others", "chain that sets the end")
"""What the two colours of transactions stand for."""


class Run(NamedTuple):
    """A transaction that runs in ``start <= t < end``.

    ``waits`` is one that it waits for, ``None`` where it starts at once; ``chain``: it is in the
    row of transactions, each waiting for the one before, at whose end the batch ends.
    """

    transaction: int
    start: int
    end: int
    waits: int | None
    chain: bool


def sentence(problem: OrderingProblem, solution: OrderingSolution) -> str:
    """Say when the last transaction ends and what is proven."""
    name = problem.name or "transactions"
    if solution.objective is None:
        return f"{name}: no order ({solution.status})"
    return proven(f"{name}: ends at {solution.objective:,}", solution)


def runs(problem: OrderingProblem, solution: OrderingSolution) -> list[Run]:
    """Return when the transactions run, in their order."""
    order = list(solution.order)
    if not order:
        return []
    arrays = compile_ordering(problem)
    places = np.array(order, np.int64)
    starts = arrays.starts(order)
    ends = starts + arrays.length[places] - 1
    before: list[int | None] = []
    for place, start in enumerate(starts.tolist()):
        ready = starts[:place] + arrays.lag[places[:place], places[place]]
        before.append(int(ready.argmax()) if start > 1 else None)
    chain: set[int] = set()
    at: int | None = int(ends.argmax())
    while at is not None:
        chain.add(at)
        at = before[at]
    return [
        Run(
            order[place],
            int(starts[place]) - 1,
            int(ends[place]),
            None if (one := before[place]) is None else order[one],
            place in chain,
        )
        for place in range(len(order))
    ]


def draw(problem: OrderingProblem, solution: OrderingSolution, figure: Figure) -> None:
    """Draw a solution, which may be without an order.

    A row for each transaction, in their order; in the second colour the chain of conflicts at whose
    end the batch ends.
    """
    found = runs(problem, solution)
    figure.set_size_inches(9.0, min(12.0, 2.0 + 0.18 * len(found)))
    figure.suptitle(sentence(problem, solution), color=INK)
    ax = figure.subplots()
    for state, name in enumerate(CHAIN):
        if not (some := [(row, run) for row, run in enumerate(found) if run.chain is bool(state)]):
            continue
        ax.barh(
            [row for row, _ in some],
            [run.end - run.start for _, run in some],
            left=[run.start for _, run in some],
            color=series_colour(state),
            height=0.8,
            label=name,
        )
    name_rows(ax, [str(run.transaction) for run in found], "transaction, in the order taken")
    ax.set_xlabel("time, in operations")
    ax.margins(y=0.01)
    if found:
        ax.legend(frameon=False, loc="upper right")
