"""Objectives of schedules: weighted sums of measures, in one or several lexicographic tiers.

With completion C_j (end of job j's last task), release r_j, due date d_j and weight w_j:

=====================  ==========================================
``makespan``           max over tasks of the end time
``total_completion``   sum of w_j C_j
``total_flow``         sum of w_j (C_j - r_j)
``total_tardiness``    sum of w_j max(0, C_j - d_j)
``max_tardiness``      max of max(0, C_j - d_j)
``max_lateness``       max of C_j - d_j
``late_jobs``          sum of w_j [C_j > d_j]
``cost``               sum of the costs of modes and of skipped tasks
``energy``             sum of the energies of modes and of idle machines
``total_setup``        sum of the setup times on all machines
=====================  ==========================================

The measures of tardiness and lateness run over the jobs that have a due date. A job none of whose
tasks runs counts in no measure; a maximum over no jobs is 0. A machine takes its ``idle_power`` in
every unit of time between its first start and its last release in which it runs nothing. Setup
times are those between tasks that directly follow each other on a machine, and before its first.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, get_args

from pydantic import Field

from scheduling.models.base import Frozen, Many

Measure = Literal[
    "makespan",
    "total_completion",
    "total_flow",
    "total_tardiness",
    "max_tardiness",
    "max_lateness",
    "late_jobs",
    "cost",
    "energy",
    "total_setup",
]
MEASURES: tuple[str, ...] = get_args(Measure)
JOB_MEASURES = MEASURES[: MEASURES.index("cost")]
"""Measures that the completion times of jobs decide."""

DUE_MEASURES = frozenset({"total_tardiness", "max_tardiness", "max_lateness", "late_jobs"})


class Term(Frozen):
    """``weight`` times one measure."""

    measure: Measure
    weight: Annotated[int, Field(ge=1, le=10**6)] = 1


class Tier(Frozen):
    """A weighted sum of measures that is minimised."""

    terms: Many[Term]

    @property
    def name(self) -> str:
        """The sum as people write it, such as ``makespan + 10 total_tardiness``."""
        parts = [t.measure if t.weight == 1 else f"{t.weight} {t.measure}" for t in self.terms]
        return " + ".join(parts)


class Objective(Frozen):
    """Tiers in order of importance: a later tier only breaks ties of those before it."""

    tiers: Many[Tier]


def makespan() -> Objective:
    """Return the default objective: the makespan alone."""
    return Objective(tiers=(Tier(terms=(Term(measure="makespan"),)),))


def parse_objective(value: Any) -> Any:
    """Expand the short forms that people write.

    A measure's name is a single tier; a mapping ``{measure: weight}`` is a weighted sum; a list of
    either is lexicographic. Anything else is returned unchanged for the model to judge.
    """
    if isinstance(value, list | tuple):
        return {"tiers": [_parse_tier(entry) for entry in value]}
    if isinstance(value, str) or (isinstance(value, dict) and "tiers" not in value):
        return {"tiers": [_parse_tier(value)]}
    return value


def _parse_tier(value: Any) -> Any:
    if isinstance(value, str):
        return {"terms": [{"measure": value}]}
    if isinstance(value, dict) and "terms" not in value:
        return {"terms": [{"measure": key, "weight": weight} for key, weight in value.items()]}
    return value
