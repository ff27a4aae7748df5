"""SAGA: prefixes by how likely their programs come back, homes of programs, stealing, deadlines."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from scheduling.simulator.requests.clock import NS_PER_SECOND
from scheduling.simulator.requests.policies.tools import ToolTimes
from scheduling.simulator.requests.policy import Order, Provenance, Sending
from scheduling.simulator.requests.programs import Phase, Programs, demanded

if TYPE_CHECKING:
    from scheduling.simulator.requests.entries import Entry
    from scheduling.simulator.requests.instance import Instance
    from scheduling.simulator.requests.live import Live

_ALPHA, _BETA, _GAMMA = 0.3, 0.5, 0.2
_MOST_SECONDS = 300.0
_P95_SECONDS = 2.4
"""Of tools that run code, which stands for tools that are not known yet."""

_SEEN = 20
_BUSY = 0.8
_STOLEN_FROM = 2.0
_EPOCH_NS = 100_000_000
_MOVE_SECONDS = 0.23
_MOVE_SIGMA = 1.645
"""With this mean the 95th percentile of a lognormal is 0.89 s, as published."""


@dataclass(slots=True)
class AgentFairShare:
    """Tasks by urgency: work that is left by the time to the deadline, most urgent first.

    The order of Agent Fair Share (arXiv 2605.00528), with the turns of programs that have ended as
    the measure of work.

    Parameters
    ----------
    programs
        What is known of them.
    deadline_seconds
        From a program's coming to its deadline.
    """

    programs: Programs | None
    deadline_seconds: float
    name: str = "agent-fair-share"
    provenance: Provenance = "inferred"
    steady: bool = False
    work: list[int] = field(default_factory=lambda: [0, 0])

    def key(self, request: Live, now: int) -> tuple[float, ...]:
        """Order by urgency, then by arrival."""
        if self.programs is None:
            return 0.0, request.arrival_ns
        program = self.programs.of(request.row)
        turns, ended = self.work
        usual = turns / ended if ended else 1.0
        left = max(1.0, usual - self.programs.turns[program] + 1)
        deadline = self.programs.came_ns[program] / NS_PER_SECOND + self.deadline_seconds
        time = max(deadline - now / NS_PER_SECOND, 1e-3)
        return -left / time, request.arrival_ns


@dataclass(slots=True)
class WorkflowAware:
    """WA-LRU of SAGA: drops by age, by how unlikely a reuse is, and by size.

    ``.3 * idle / 300 s + .5 * (1 - reuse) + .2 * size / largest``, the greatest is dropped first;
    the reuse of a program that goes on is the share of its context that is kept of that with the
    next tool's result, and 0 when it has ended. Called tools hold the prefix for the 95th
    percentile of their times, less as memory fills, at most 300 s.

    Parameters
    ----------
    deadline_seconds
        Of :class:`AgentFairShare`; ``None``: queues are first come, first served.
    """

    deadline_seconds: float | None = None
    name: str = "wa-lru"
    provenance: Provenance = "paper"
    steady: bool = False
    patient: bool = False
    _programs: Programs | None = field(init=False, repr=False, default=None)
    _tools: ToolTimes | None = field(init=False, repr=False, default=None)
    _order: AgentFairShare | None = field(init=False, repr=False, default=None)
    _largest: int = field(init=False, repr=False, default=1)
    _added: list[float] = field(init=False, repr=False, default_factory=lambda: [0.0, 0.0])
    _before: dict[int, int] = field(init=False, repr=False, default_factory=dict)

    def begin(self, programs: Programs | None) -> WorkflowAware:
        """Return the same policy, with nothing learned.

        Raises
        ------
        InputError
            When the requests belong to no programs.
        """
        programs = demanded(programs, "saga")
        fresh = WorkflowAware(self.deadline_seconds)
        fresh._programs = programs
        fresh._tools = ToolTimes(programs)
        if self.deadline_seconds is not None:
            fresh._order = AgentFairShare(programs, self.deadline_seconds)
        return fresh

    @property
    def order(self) -> Order | None:
        """Agent Fair Share, if there are deadlines."""
        return self._order

    def key(self, entry: Entry, now: int) -> tuple[float, ...]:
        """Order by the score, the greatest first."""
        programs = self._programs
        self._largest = max(self._largest, entry.blocks)
        idle = (now - entry.used_ns) / NS_PER_SECOND / _MOST_SECONDS
        reuse = 0.0
        if programs is not None:
            program = programs.of(entry.row)
            if programs.phase[program] != Phase.ENDED:
                kept = float(programs.tokens[program])
                total, count = self._added
                reuse = kept / (kept + (total / count if count else 0.0)) if kept else 0.0
        score = _ALPHA * idle + _BETA * (1 - reuse) + _GAMMA * entry.blocks / self._largest
        return (-score,)

    def hold(self, request: Live, entry: Entry, now: int, full: float) -> int:
        """Return up to when it is held for the tool that is called."""
        del entry
        programs, tools = self._programs, self._tools
        if programs is None or tools is None:
            return 0
        if not programs.acts(request.row):
            if programs.tool_after(request.row) is None and self._order is not None:
                self._order.work[0] += programs.turns[programs.of(request.row)]
                self._order.work[1] += 1
            return 0
        tools.called(request, now)
        self._before[programs.of(request.row)] = request.target
        seen = tools.of[programs.tool_after(request.row) or 0]
        late = seen[int(0.95 * (len(seen) - 1))] if len(seen) >= _SEEN else _P95_SECONDS
        pressure = min(max((full - 0.7) / 0.2, 0.0), 1.0)
        seconds = min(late * (1 - 0.5 * pressure), _MOST_SECONDS)
        return now + round(seconds * NS_PER_SECOND)

    def came(self, request: Live, now: int, *, held: bool) -> None:
        """Learn the time of the tool and what it adds to contexts."""
        del held
        if self._tools is None or self._programs is None:
            return
        self._tools.came(request, now)
        before = self._before.pop(self._programs.of(request.row), None)
        if before is not None:
            self._added[0] += max(0, request.prompt - before)
            self._added[1] += 1

    def began(self, request: Live, now: int) -> None:
        """Learn nothing."""


class Homes:
    """Programs stay at their home while it is not full; idle workers steal from the fullest.

    SAGA's routing: the home if it is loaded to less than 80 % of its memory and has the prefix,
    else the least loaded instance. Every 100 ms, where an instance has idled since the last look or
    the loads differ by more than a factor of 2, the last request in the fullest queue moves to the
    emptiest instance, after a lognormal time of 230 ms on average. Of several groups the one with
    the fullest instance gives a request that may go elsewhere.

    Parameters
    ----------
    generator
        Source of the times of moves.
    """

    name = "homes"
    provenance: Provenance = "paper"
    period_ns = _EPOCH_NS

    def __init__(self, generator: np.random.Generator) -> None:
        self._generator = generator
        self._programs: Programs | None = None
        self._home: dict[int, Instance] = {}
        self._fleet: Sequence[Instance] = ()
        self._idle: set[int] = set()

    def begin(self, programs: Programs | None, fleet: Sequence[Instance]) -> None:
        """Look at a run that begins."""
        self._programs = programs
        self._fleet = fleet

    def choose(self, candidates: Sequence[Instance], request: Live, now: int) -> Instance:
        """Return the home if it has room and the prefix, else the least loaded."""
        if self._programs is None:
            return min(candidates, key=_load)
        program = self._programs.of(request.row)
        home = self._home.get(program)
        if home in candidates and home is not None:
            cached = home.kept_tokens(request, now) > 0
            if cached and _load(home) < _BUSY:
                return home
        self._home[program] = best = min(candidates, key=_load)
        return best

    def admits(self, request: Live, now: int) -> bool:
        """Hold nothing back."""
        del request, now
        return True

    def tick(self, now: int) -> Sequence[Sending]:
        """Steal a request for an instance with nothing to do, or much less than another."""
        idle = {instance.index for instance in self._fleet if not instance.outstanding}
        starved = idle & self._idle
        self._idle = idle
        fullest: dict[str, Instance] = {}
        for instance in sorted(self._fleet, key=_load, reverse=True):
            fullest.setdefault(instance.group.name, instance)
        for full in fullest.values():
            sent = self._stolen(full, starved, now)
            if sent is not None:
                return (sent,)
        return ()

    def _stolen(self, full: Instance, starved: set[int], now: int) -> Sending | None:
        """Withdraw the last request of a queue, if one of its places is to have it instead."""
        waiting = full.queue(now)
        request = waiting[-1] if waiting else None
        if request is None or request.remote or request.restarts:
            return None
        free = min(request.places, key=_load)
        uneven = _load(full) > _STOLEN_FROM * _load(free)
        if full is free or not (uneven or any(one.index in starved for one in request.places)):
            return None
        full.withdraw(request)
        if self._programs is not None:
            self._home[self._programs.of(request.row)] = free
        middle = np.log(_MOVE_SECONDS) - _MOVE_SIGMA**2 / 2
        seconds = self._generator.lognormal(middle, _MOVE_SIGMA)
        return Sending(request, free, round(seconds * NS_PER_SECOND))


def _load(instance: Instance) -> float:
    """Return the tokens of all requests of an instance by those that its memory holds."""
    return instance.load_tokens / (instance.memory.capacity * instance.memory.block_size or 1)
