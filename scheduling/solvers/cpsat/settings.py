"""Parameters of CP-SAT: what a budget and a formulation ask of a run."""

from __future__ import annotations

from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from ortools.sat.python import cp_model

from scheduling.errors import UnsupportedError
from scheduling.solvers.board import Budget


@dataclass(frozen=True)
class Settings:
    """How CP-SAT is to search, beyond the limits of a budget.

    Parameters
    ----------
    workers
        Search threads; ``None`` takes the budget's. More threads than processors is allowed: the
        kinds of search that raise the bound only run from some number of threads on.
    subsolvers
        Names of CP-SAT's searches to run; empty takes CP-SAT's own choice for that many threads.
    ignored
        Names of searches that must not run.
    parameters
        Further CP-SAT parameters by name.
    """

    workers: int | None = None
    subsolvers: tuple[str, ...] = ()
    ignored: tuple[str, ...] = ()
    parameters: tuple[tuple[str, Any], ...] = ()


def sat_parameters(budget: Budget, settings: Settings | None = None) -> Any:
    """Translate a budget into CP-SAT's parameters.

    Raises
    ------
    UnsupportedError
        When a parameter's name or value is unknown to CP-SAT.
    """
    settings = settings or Settings()
    found = cp_model.CpSolver().parameters
    found.num_workers = settings.workers or budget.workers
    found.random_seed = budget.seed % 2**31
    # The library decides what Ctrl-C does; an engine that takes the signal would hide it.
    found.catch_sigint_signal = False
    left = budget.remaining()
    if left is not None:
        found.max_time_in_seconds = left
    if budget.work is not None:
        found.max_deterministic_time = budget.work
    found.subsolvers.extend(list(settings.subsolvers))
    found.ignore_subsolvers.extend(list(settings.ignored))
    for name, value in settings.parameters:
        _set(found, name, value)
    return found


def _set(parameters: Any, name: str, value: Any) -> None:
    if name.startswith("_") or not hasattr(parameters, name):
        close = get_close_matches(name, [key for key in dir(parameters) if key[0] != "_"], n=3)
        guess = f"; close names: {', '.join(close)}" if close else ""
        raise UnsupportedError(f"CP-SAT has no parameter {name!r}{guess}")
    try:
        setattr(parameters, name, value)
    except (TypeError, ValueError) as error:
        raise UnsupportedError(f"CP-SAT's parameter {name!r} cannot be {value!r}") from error
