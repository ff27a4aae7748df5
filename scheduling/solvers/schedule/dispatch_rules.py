"""Dispatching rules: priorities of waiting tasks, lowest first.

Sources: Panwalkar and Iskander (1977) for the classics; Sels, Gheysen and Vanhoucke (2012) for
FDD/MWKR; Vepsalainen and Morton (1987) for ATC and COVERT; Baker and Bertrand (1982) for MDD; Lee,
Bhaskaran and Pinedo (1997) for ATCS.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

from scheduling.models.schedule.arrays import NEVER


class Waiting(NamedTuple):
    """What a dispatching rule sees of a task that waits for a machine.

    All times are in the instance's unit.

    Attributes
    ----------
    task, job
        Indices in the order of the document.
    ready
        Moment at which the task could start if its machine were free.
    now
        Moment at which the machine decides.
    duration
        On the machine that decides.
    remaining
        Longest chain of work from the start of the task to the end of its job, itself included.
    following
        Number of tasks that come after it on the longest chain.
    release, due, weight
        Of its job; ``due`` is ``None`` without a due date.
    mean
        Mean duration of all tasks.
    setup
        Time to set the machine up for the task, from the state that it is in.
    mean_setup
        Mean setup time between two tasks of the machine.
    tightness
        1 less the mean due date over the estimated makespan; 1 without due dates.
    spread
        Latest less earliest due date, over the estimated makespan.
    """

    task: int
    job: int
    ready: int
    now: int
    duration: int
    remaining: int
    following: int
    release: int
    due: int | None
    weight: int
    mean: float
    setup: int = 0
    mean_setup: float = 0.0
    tightness: float = 1.0
    spread: float = 0.0

    @property
    def slack(self) -> float:
        """Time to spare before the due date once all remaining work is done."""
        return self.limit - self.now - self.remaining

    @property
    def limit(self) -> int:
        """Due date, or a date beyond every schedule."""
        return NEVER if self.due is None else self.due


Rule = Callable[[Waiting], float]

_FAR = 1e6
"""Due dates further away than so many times the look-ahead of ATC count as this far."""

_WIDE = 0.5
"""Spread of due dates from which on ATCS looks less far ahead."""


def _spt(w: Waiting) -> float:
    return w.duration


def _lpt(w: Waiting) -> float:
    return -w.duration


def _fifo(w: Waiting) -> float:
    return w.ready


def _mwkr(w: Waiting) -> float:
    return -w.remaining


def _lwkr(w: Waiting) -> float:
    return w.remaining


def _mopnr(w: Waiting) -> float:
    return -w.following


def _fdd_mwkr(w: Waiting) -> float:
    return (w.ready + w.duration - w.release) / max(1, w.remaining)


def _wspt(w: Waiting) -> float:
    return w.duration / w.weight if w.weight else math.inf


def _edd(w: Waiting) -> float:
    return w.limit


def _mdd(w: Waiting) -> float:
    return max(w.limit, w.now + w.remaining)


def _slack(w: Waiting) -> float:
    return w.slack


def _atc(w: Waiting) -> float:
    urgency = math.exp(-max(0.0, w.slack) / max(1.0, 2.0 * w.mean))
    return -w.weight / max(1, w.duration) * urgency


def _atcs(w: Waiting) -> float:
    """Logarithm of ``w / p exp(-slack / (k1 mean)) exp(-setup / (k2 mean_setup))``, negated.

    The paper's scales are ``k1 = 4.5 + R`` up to a spread R of 0.5 and ``6 - 2 R`` beyond, and
    ``k2 = tau / (2 sqrt(mean_setup / mean))`` for a tightness tau. In logarithms neither factor
    underflows, so that tasks without a due date, all as far from it as :data:`_FAR` says, are still
    told apart by weight, duration and setup.
    """
    if not w.weight:
        return math.inf
    k1 = 4.5 + w.spread if w.spread <= _WIDE else max(0.5, 6.0 - 2.0 * w.spread)
    wait = min(max(0.0, w.slack) / max(1.0, k1 * w.mean), _FAR)
    scale = max(1.0, w.tightness * math.sqrt(w.mean * w.mean_setup) / 2.0)
    return math.log(max(1, w.duration) / w.weight) + wait + w.setup / scale


def _covert(w: Waiting) -> float:
    expected = max(1.0, 2.0 * (w.remaining - w.duration) + w.mean)
    urgency = max(0.0, 1.0 - max(0.0, w.slack) / expected)
    return -w.weight / max(1, w.duration) * urgency


RULES: dict[str, Rule] = {
    "MWKR": _mwkr,
    "FDD/MWKR": _fdd_mwkr,
    "SPT": _spt,
    "MOPNR": _mopnr,
    "FIFO": _fifo,
    "LPT": _lpt,
    "LWKR": _lwkr,
}
"""Rules for makespan and flow, best on average first."""

DUE_RULES: dict[str, Rule] = {
    "ATC": _atc,
    "ATCS": _atcs,
    "MDD": _mdd,
    "EDD": _edd,
    "COVERT": _covert,
    "WSPT": _wspt,
    "SLACK": _slack,
}
"""Rules for weights and due dates."""
