"""What every engine takes and gives: limits, listeners, outcomes and results."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from scheduling.solvers.linear.model import Floats, LinearModel
from scheduling.solvers.registry import Availability


class Outcome(StrEnum):
    """How a solve ended.

    ``OPTIMAL``: proven within the gap asked for. ``INFEASIBLE``: no point satisfies all rows.
    ``UNBOUNDED``: the objective has no limit. ``UNDECIDED``: infeasible or unbounded.
    ``STOPPED``: a limit or the listener ended it. ``FAILED``: the engine gave up.
    """

    OPTIMAL = "optimal"
    INFEASIBLE = "infeasible"
    UNBOUNDED = "unbounded"
    UNDECIDED = "undecided"
    STOPPED = "stopped"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Limits:
    """What a solve may spend.

    Parameters
    ----------
    seconds
        Wall-clock time; ``None``: no limit.
    workers
        Threads.
    seed
        Seed of the engine's random choices.
    work
        Deterministic limit: how often the engine may ask whether to go on (HiGHS asks a few to 50
        times a second, at the same points of its search in every run); ``None``: no limit.
    gap
        Absolute gap between objective and bound at which a solution counts as optimal.
    """

    seconds: float | None = None
    workers: int = 1
    seed: int = 0
    work: int | None = None
    gap: float = 1e-6


@dataclass(frozen=True, slots=True)
class Listener:
    """Who hears of a running solve.

    Parameters
    ----------
    solution
        Called with the values of each improving solution.
    bound
        Called with each better lower bound of the objective.
    stopped
        Asked often; True ends the solve.
    """

    solution: Callable[[Floats], None]
    bound: Callable[[float], None]
    stopped: Callable[[], bool]


@dataclass(frozen=True, slots=True)
class LinearResult:
    """Outcome of one solve; what is not known is ``None``.

    Parameters
    ----------
    outcome
        How it ended.
    detail
        The engine's own word for it.
    values
        Value of every variable in the best solution.
    objective
        Its objective.
    bound
        Proven lower bound of the objective.
    duals
        Change of the objective per unit of each row's side; only for models without integers.
    """

    outcome: Outcome
    detail: str
    values: Floats | None = None
    objective: float | None = None
    bound: float | None = None
    duals: Floats | None = None


class Engine(Protocol):
    """A solver of linear models.

    Attributes
    ----------
    name
        How people call it.
    """

    name: str

    def availability(self) -> Availability:
        """Tell whether it can run here, and if not, why."""
        ...

    def solve(
        self,
        model: LinearModel,
        limits: Limits,
        listener: Listener | None = None,
        start: Floats | None = None,
    ) -> LinearResult:
        """Solve a model, from the solution ``start`` if one is given.

        Raises
        ------
        SolverError
            When the engine refuses the model or ends in a way it does not document.
        """
        ...
