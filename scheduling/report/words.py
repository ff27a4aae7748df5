"""Figures and certificates in words, the same ones on the screen and on pages."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from scheduling.models.base import Number, Solution, TierValue


def percent(share: float | None) -> str:
    """Format a share or a gap: ``0.00 %``, or a dash when unknown."""
    return "-" if share is None else f"{100 * share:.2f} %"


def number(value: Number | None) -> str:
    """Format a value, or a dash when unknown."""
    return "-" if value is None else f"{value:,}".replace(",", " ")


def counted(count: int, noun: str) -> str:
    """Return how many there are of something, as ``1 run`` or ``1 800 runs``."""
    return f"{number(count)} {noun}" if count == 1 else f"{number(count)} {noun}s"


_UNITS = ("bytes", "KiB", "MiB", "GiB", "TiB")


def byte_unit(most: float) -> tuple[int, str]:
    """Return how many bytes a unit has in which ``most`` takes few digits, and its name."""
    step = 0
    while most >= 10 * 1024 and step < len(_UNITS) - 1:
        most, step = most / 1024, step + 1
    return 1024**step, _UNITS[step]


def closed_mark(tier: TierValue) -> str:
    """Return what is said behind the least value of a tier: that it is proven, or nothing."""
    return " (proven least)" if tier.closed else ""


def proven(
    reached: str,
    solution: Solution,
    *,
    most: bool = False,
    best: str | None = None,
    shown: Callable[[Number], str] = "{:,}".format,
) -> str:
    """Add to what a solution reaches what is proven of it.

    Parameters
    ----------
    reached
        What it reaches, in words.
    solution
        Its value and bound.
    most
        Whether the objective is maximised.
    best
        What a proven value is called; ``None``: most or least.
    shown
        Formats the bound.
    """
    side = "most" if most else "least"
    if solution.bound is None:
        return reached
    if solution.objective == solution.bound:
        return f"{reached}, proven {best or side}"
    return f"{reached}, at {side} {shown(solution.bound)}"


def sentence(solution: Solution) -> str:
    """Say in words what a solution's certificate means."""
    # What people or other programs wrote need not say by what it was found.
    found = f", by {solution.solver} in {solution.seconds:.2f} s" if solution.solver else ""
    known = "no bound known" if solution.gap is None else _distance(solution.gap)
    meanings = {
        "optimal": "optimal: proven best possible",
        "feasible": f"feasible: {known}",
        "infeasible": "infeasible: proven that no solution exists",
        "unknown": "unknown: no solution found",
    }
    return f"{meanings[solution.status]}{found}"


def _distance(gap: float) -> str:
    return f"at most {percent(gap)} from the best possible"
