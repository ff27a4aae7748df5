"""Which rules of the family random problems may have, and how large they are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

STATES = ("red", "blue")
"""States of tasks on machines with setups."""


@dataclass(frozen=True)
class Features:
    """Switches and sizes; see :func:`tests.strategies.schedule_problems`."""

    max_jobs: int
    max_tasks: int
    max_duration: int
    modes: int
    machines: int
    renewables: int
    consumables: int
    calendars: bool
    steps: bool
    releases: bool
    deadlines: bool
    precedences: int
    kinds: Sequence[str]
    lags: bool
    max_lags: bool
    due_dates: bool
    weights: bool
    zero_durations: bool
    measures: Sequence[str]
    tiers: int
    feasible: bool
    setups: bool
    reservoirs: int
    no_wait: bool
    blocking: bool
    transfers: bool
    transports: bool
    same_mode: bool
    same_order: bool
    no_idle: bool
    swap: bool
    batching: bool
    disjunctions: bool
    pools: int
    optional: bool
    mode_rules: int
    prices: bool
    shifts: bool
    efficiency: bool
    interruptible: bool
    windows: bool
