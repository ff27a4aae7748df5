"""What is in a problem of prompts, as facts for people."""

from __future__ import annotations

from typing import Any

from scheduling.models.prefill.problem import PrefillProblem
from scheduling.solvers.prefill.family import FAMILY, CompiledPrefill


def profile(problem: PrefillProblem) -> dict[str, Any]:
    """Return sizes, load, bounds by formula and solvers, as plain values ready for JSON.

    Parameters
    ----------
    problem
        Any problem of the family.
    """
    data = CompiledPrefill(problem)
    arrays = data.arrays
    return {
        "kind": problem.kind,
        "objective": list(data.tiers),
        "prompts": arrays.n,
        "operators": int(arrays.operators.sum()),
        "longest_operator": int(arrays.duration.max()),
        "work": int(arrays.work.sum()),
        "time_until_last_due": int(arrays.due.max() - arrays.release.min()),
        "in_time_alone": int((arrays.release + arrays.work <= arrays.due).sum()),
        "bounds_by_formula": data.stated_bounds(),
        "solvers": FAMILY.takers(data),
    }
