"""Which rules of the family random problems may have, and how large they are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from scheduling.models.schedule.objective import JOB_MEASURES

STATES = ("red", "blue")
"""States of tasks on machines with setups."""


KINDS = ("end-start", "start-start", "end-end", "start-end")


@dataclass(frozen=True)
class Features:
    """Switches and sizes: every field switches a feature of problems or caps their size.

    ``max_jobs`` and ``max_tasks`` (per job) cap the size, ``modes`` the modes of a task,
    ``machines``, ``renewables``, ``consumables`` the number of each, ``precedences`` the explicit
    links (besides chains), ``tiers`` the lexicographic levels. With ``feasible`` limits are
    loosened to admit a reference schedule (all tasks one after the other once everything is open);
    without it infeasible problems occur too. The fields behind ``feasible`` switch on rules that
    the reference schedule does not know. Pools and disjunctive groups are resources with units too,
    so they occur only where ``renewables`` do.
    """

    max_jobs: int = 3
    max_tasks: int = 3
    max_duration: int = 4
    modes: int = 2
    machines: int = 2
    renewables: int = 1
    consumables: int = 1
    calendars: bool = True
    steps: bool = True
    releases: bool = True
    deadlines: bool = True
    precedences: int = 3
    kinds: Sequence[str] = KINDS
    lags: bool = True
    max_lags: bool = True
    due_dates: bool = True
    weights: bool = True
    zero_durations: bool = True
    measures: Sequence[str] = JOB_MEASURES
    tiers: int = 2
    feasible: bool = False
    setups: bool = False
    reservoirs: int = 0
    no_wait: bool = False
    blocking: bool = False
    transfers: bool = False
    transports: bool = False
    same_mode: bool = False
    same_order: bool = False
    no_idle: bool = False
    swap: bool = True
    batching: bool = False
    disjunctions: bool = True
    pools: int = 1
    optional: bool = False
    mode_rules: int = 0
    prices: bool = False
    shifts: bool = False
    efficiency: bool = False
    interruptible: bool = False
    windows: bool = False
