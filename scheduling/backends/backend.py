"""What carries runs, and what every engine promises."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Protocol

from scheduling.errors import SolverError

MOST_LOSSES = 3
"""How often a run may lose the worker that carries it before it is given up."""


class Backend(Protocol):
    """An engine that carries runs.

    A run whose worker is lost is carried again by another one, so that no result is missing. When
    the iterator is closed, or the keyboard interrupts it, no further run begins and those under
    way are cancelled.
    """

    @property
    def name(self) -> str:
        """What it is called in options."""

    def carry(
        self, function: Callable[[Any], Any], runs: Sequence[Any], jobs: int | None
    ) -> Iterator[tuple[int, Any]]:
        """Yield the place of each run and what the function returned for it, as they end.

        Parameters
        ----------
        function
            Carries out one run; it, the runs and what it returns can be pickled.
        runs
            What is run.
        jobs
            Most runs side by side; ``None``: as many as the engine has room for.

        Raises
        ------
        SolverError
            When runs lost their workers too often, after all others have ended.
        """


def given_up(lost: Sequence[int], runs: Sequence[Any]) -> SolverError:
    """Return the error of runs that lost too many workers."""
    many = f" and {len(lost) - 1} more" if len(lost) > 1 else ""
    return SolverError(
        f"{MOST_LOSSES} workers were lost while they carried out {str(runs[lost[0]])[:200]}{many}: "
        "perhaps it needs more memory than a worker has"
    )
