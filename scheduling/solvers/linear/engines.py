"""Which engine solves a linear model: HiGHS by default, or one that the user names."""

from __future__ import annotations

from scheduling.solvers.linear.result import Engine

DEFAULT_ENGINE = "highs"


def find_engine(name: str = DEFAULT_ENGINE) -> Engine:
    """Return an engine by name; any other than ``highs`` is reached through Pyomo."""
    if name == DEFAULT_ENGINE:
        from scheduling.solvers.linear.highs import Highs

        return Highs()
    from scheduling.solvers.linear.external import External

    return External(name)
