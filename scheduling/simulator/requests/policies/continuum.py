"""Continuum: prefixes of programs are held for a while when they call a tool."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from scheduling.models.cost.protocol import Batch, CostModel
from scheduling.simulator.requests.clock import NS_PER_SECOND
from scheduling.simulator.requests.policies.tools import ToolTimes
from scheduling.simulator.requests.policy import Order, Provenance
from scheduling.simulator.requests.programs import demanded

if TYPE_CHECKING:
    from scheduling.simulator.requests.entries import Entry
    from scheduling.simulator.requests.live import Live
    from scheduling.simulator.requests.programs import Programs

_KNOWN = 100
_PRIOR_SECONDS = 1.0


def best_ttl(durations: Sequence[float], gain: float) -> float:
    """Return how long to hold a prefix: ``argmax P(t) * gain - t`` over 0 and the durations.

    Parameters
    ----------
    durations
        Seconds that tools took, ascending; ``P`` is their empirical distribution.
    gain
        Seconds that are saved when the program comes back in time.

    Returns
    -------
    float
        The least of the best; 0 does not hold it.
    """
    if not durations:
        return 0.0
    times = np.concatenate(([0.0], np.asarray(durations, dtype=np.float64)))
    shares = np.searchsorted(times[1:], times, side="right") / len(durations)
    return float(times[int(np.argmax(shares * gain - times))])


def prior_ttl(reload_seconds: float) -> float:
    """Return the best time for tools that take an exponential time with a mean of 1 s."""
    if reload_seconds <= _PRIOR_SECONDS:
        return 0.0
    return _PRIOR_SECONDS * math.log(reload_seconds / _PRIOR_SECONDS)


def memoryfulness(turns: Sequence[int]) -> float:
    """Return how well turns so far foretell those to come: ``-corr(k, N - k)`` of programs.

    1 when all programs have the same number of turns, and while nothing is known.
    """
    if not turns:
        return 1.0
    past = np.concatenate([np.arange(1, count + 1) for count in turns])
    left = np.concatenate([count - np.arange(1, count + 1) for count in turns])
    if past.std() == 0 or left.std() == 0:
        return 1.0
    return float(-np.corrcoef(past, left)[0, 1])


@dataclass(slots=True)
class _ByProgram:
    """Restarted requests first, then those whose prefix is held, then by the programs' coming."""

    programs: Programs | None
    held: set[int] = field(default_factory=set)
    name: str = "by-program"
    provenance: Provenance = "paper"
    steady: bool = True

    def key(self, request: Live, now: int) -> tuple[float, ...]:
        """Order by these."""
        del now
        came = request.arrival_ns
        if self.programs is not None:
            came = self.programs.came_ns[self.programs.of(request.row)]
        rank = 0 if request.restarts else 1 if request.row in self.held else 2
        return rank, came


@dataclass(slots=True)
class Continuum:
    """Holds the prefix of a program that calls a tool for the time that is worth most.

    Continuum (arXiv 2511.02230): ``best_ttl`` of the tool's past durations, where coming back in
    time saves the recomputation and the wait of programs that had lost theirs. The window of waits
    is not published; here it is the last 100. Of held prefixes, those of the programs that came
    last are dropped first.

    Parameters
    ----------
    cost
        Predicts the time to compute a context anew.
    fixed_seconds
        Hold every prefix that long instead, as the released code does.
    """

    cost: CostModel
    fixed_seconds: float | None = None
    name: str = "continuum"
    provenance: Provenance = "paper"
    steady: bool = False
    patient: bool = True
    _programs: Programs | None = field(init=False, repr=False, default=None)
    _tools: ToolTimes | None = field(init=False, repr=False, default=None)
    _order: _ByProgram | None = field(init=False, repr=False, default=None)
    _waits: deque[float] = field(init=False, repr=False, default_factory=lambda: deque(maxlen=100))
    _turns: list[int] = field(init=False, repr=False, default_factory=list)
    _memory: tuple[int, float] = field(init=False, repr=False, default=(0, 1.0))

    def begin(self, programs: Programs | None) -> Continuum:
        """Return the same policy, with nothing learned.

        Raises
        ------
        InputError
            When the requests belong to no programs.
        """
        programs = demanded(programs, self.name)
        fresh = Continuum(self.cost, self.fixed_seconds, self.name, self.provenance)
        fresh._programs = programs
        fresh._tools = ToolTimes(programs)
        fresh._order = _ByProgram(programs)
        return fresh

    @property
    def order(self) -> Order:
        """The order of queues."""
        return self._order or _ByProgram(None)

    def key(self, entry: Entry, now: int) -> tuple[float, ...]:
        """Order by the last use; of held ones, by their programs, the last one first."""
        if entry.until_ns > now and self._programs is not None:
            return (-float(self._programs.came_ns[self._programs.of(entry.row)]),)
        return (float(entry.used_ns),)

    def hold(self, request: Live, entry: Entry, now: int, full: float) -> int:
        """Return up to when it is held: nothing when no tool is called."""
        del full, entry
        programs, tools = self._programs, self._tools
        if programs is None or tools is None:
            return 0
        if not programs.acts(request.row):
            if programs.tool_after(request.row) is None:
                self._turns.append(programs.turns[programs.of(request.row)])
            return 0
        tools.called(request, now)
        tool = programs.tool_after(request.row) or 0
        seconds = self.fixed_seconds
        if seconds is None:
            seconds = self._best(tools, tool, request.target)
        return now + round(seconds * NS_PER_SECOND) if seconds > 0 else 0

    def came(self, request: Live, now: int, *, held: bool) -> None:
        """Learn the time of the tool; a held prefix goes first."""
        if self._tools is not None:
            self._tools.came(request, now)
        if held and self._order is not None:
            self._order.held.add(request.row)

    def began(self, request: Live, now: int) -> None:
        """Learn how long those waited that had lost their prefix."""
        programs, order = self._programs, self._order
        if programs is None or order is None:
            return
        if programs.turns[programs.of(request.row)] > 1 and request.row not in order.held:
            self._waits.append((now - request.arrival_ns) / NS_PER_SECOND)

    def _best(self, tools: ToolTimes, tool: int, tokens: int) -> float:
        reload_seconds = self.cost.seconds(Batch.prefill(tokens))
        if len(tools.all) <= _KNOWN:
            return prior_ttl(reload_seconds)
        own = tools.of[tool]
        wait = sum(self._waits) / len(self._waits) if self._waits else 0.0
        if self._memory[0] != len(self._turns):
            self._memory = (len(self._turns), memoryfulness(self._turns))
        gain = wait * self._memory[1] + reload_seconds
        return best_ttl(own if len(own) > _KNOWN else tools.all, gain)
