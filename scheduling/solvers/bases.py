"""What many solvers say of themselves: which engine they need, and that they take every problem."""

from __future__ import annotations

from typing import Any

from scheduling.solvers.registry import READY, Availability, installed


class NeedsNothing:
    """Base of solvers that need nothing beside what the library brings along."""

    def availability(self) -> Availability:
        """Tell that it is ready."""
        return READY


class NeedsCpSat:
    """Base of solvers that need CP-SAT."""

    def availability(self) -> Availability:
        """Tell whether OR-Tools is installed."""
        return installed("ortools", "OR-Tools")


class NeedsNumba:
    """Base of solvers that need kernels compiled by numba."""

    def availability(self) -> Availability:
        """Tell whether numba is installed."""
        return installed("numba", "numba")


class TakesAll:
    """Base of solvers that take every problem of their family."""

    def refusal(self, data: Any) -> str | None:  # noqa: ARG002
        """Refuse nothing."""
        return None
