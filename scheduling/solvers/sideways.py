"""Running searches side by side: threads whose failures surface."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Any, Self

from scheduling.solvers.board import Board, Budget
from scheduling.solvers.registry import Solver


class Sideways:
    """Searches that run in threads of their own until each returns.

    Examples
    --------
    >>> found = []
    >>> with Sideways() as side:
    ...     side.start("first", lambda: found.append(1))
    >>> found
    [1]
    """

    def __init__(self) -> None:
        self._threads: list[threading.Thread] = []
        self._failures: list[BaseException] = []

    def start(self, name: str, work: Callable[[], None]) -> None:
        """Run ``work`` beside the caller."""

        def body() -> None:
            try:
                work()
            except BaseException as error:  # noqa: BLE001 - raised again by finish
                self._failures.append(error)

        thread = threading.Thread(target=body, name=name, daemon=True)
        thread.start()
        self._threads.append(thread)

    def finish(self) -> None:
        """Wait for all; raise the first failure."""
        for thread in self._threads:
            thread.join()
        if self._failures:
            raise self._failures[0]

    def __enter__(self) -> Self:
        """Begin."""
        return self

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        """Wait for all searches."""
        self.finish()


def beside(
    solvers: Sequence[Solver[Any, Any]], data: Any, board: Board[Any], budget: Budget, hint: Any
) -> None:
    """Run those of two exact solvers that take a problem, side by side where there are workers.

    With one worker or a work limit one runs after the other, each with its share. Otherwise the
    second one has a worker and the first one all others.

    Parameters
    ----------
    solvers
        The two, the better one first.
    data, board, budget, hint
        As for each of them.
    """
    takers = [solver for solver in solvers if solver.refusal(data) is None]
    if board.stopped or not takers:
        return
    if budget.workers == 1 or budget.work is not None or len(takers) == 1:
        share = budget.part(1.0 / len(takers))
        for solver in takers:
            if not board.stopped:
                solver.search(data, board, share, hint)
            share = budget if budget.work is None else share
        return
    first, second = takers
    with Sideways() as side:
        one = budget.part(1.0, workers=1)
        side.start(second.name, lambda: second.search(data, board, one, hint))
        first.search(data, board, budget.part(1.0, workers=budget.workers - 1), hint)
