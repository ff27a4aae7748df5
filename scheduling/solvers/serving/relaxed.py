"""Value of a serving problem's relaxation, by which limits are priced."""

from __future__ import annotations

from scheduling.models.serving.problem import ServingProblem
from scheduling.solvers.linear.highs import relax
from scheduling.solvers.linear.result import Limits, Outcome
from scheduling.solvers.registry import stated
from scheduling.solvers.serving.family import CompiledServing
from scheduling.solvers.serving.mip.program import Program


def relaxed_value(problem: ServingProblem, seconds: float | None = None) -> float | None:
    """Return the best value of the first goal when replicas may be parts of one.

    Parameters
    ----------
    problem
        The problem.
    seconds
        Wall-clock limit; default: none.

    Returns
    -------
    float or None
        In the unit of the goal's tier, with its sign; ``None`` when nothing serves the demands, or
        the time is up.
    """
    data = CompiledServing(problem)
    if data.bounds() is None:
        return None
    program = Program(data.arrays, 0, ())
    result = relax(program.model, Limits(seconds))
    if result.outcome is not Outcome.OPTIMAL or result.bound is None:
        return None
    return stated(result.bound * program.step, data.senses[0])
