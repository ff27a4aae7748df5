"""The events of a fleet, in one total order."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache, partial
from heapq import heappop, heappush
from operator import attrgetter
from typing import Any, cast

import numpy as np

from scheduling.errors import InputError, PolicyError
from scheduling.models.requests.growth import Growth
from scheduling.models.requests.paths import Paths
from scheduling.models.requests.programs import ProgramTable
from scheduling.models.requests.table import RequestTable
from scheduling.simulator.requests.clock import LAST_NS, nanoseconds, too_long
from scheduling.simulator.requests.deployment import Deployment, Group, Link
from scheduling.simulator.requests.flows import Choice, Flows
from scheduling.simulator.requests.gate import Gate
from scheduling.simulator.requests.host import TieredInstance
from scheduling.simulator.requests.instance import Instance
from scheduling.simulator.requests.keeping import KeepingInstance
from scheduling.simulator.requests.live import Live
from scheduling.simulator.requests.migration import Migrations
from scheduling.simulator.requests.movable import MovableInstance
from scheduling.simulator.requests.policy import Gating, Migrating, Retention, Router, Swapping
from scheduling.simulator.requests.programs import Programs
from scheduling.simulator.requests.refusals import elsewhere
from scheduling.simulator.requests.run import NEVER, FleetRun
from scheduling.simulator.requests.streaming import Coming, StreamingInstance
from scheduling.simulator.requests.swapping import SwappingInstance

_FETCHED = 1 << 60
_CALL = 1 << 61
_REPORT_EVERY = 250
_index = attrgetter("index")

Progress = Callable[[int, int, int], None]


class Engine:
    """One simulation.

    Events come by time, at one time ends of iterations before KV that has arrived, before what was
    asked for at that time, as a second look of an instance or the next call of a program, before
    requests that come, and of one kind in the order in which they were foreseen. When all that
    happens at one time has happened, the instances that it touched compose their next batches, by
    their index.

    Parameters
    ----------
    deployment, table
        The fleet and its requests.
    router
        Chooses among the instances of a flow's group; one for prompts, and the same for decoding.
    jumps
        Pass over equal decode iterations in one event. The answer is the same without.
    timeline
        Note the use of KV memory over time.
    programs
        Programs whose calls the requests are: each comes when those before it have ended.
    paths
        Streams of the prompts, for groups that keep prefixes; default: those of the programs.
    """

    def __init__(
        self,
        deployment: Deployment,
        table: RequestTable,
        router: Router,
        *,
        jumps: bool = True,
        timeline: bool = False,
        programs: ProgramTable | None = None,
        paths: Paths | None = None,
        growth: Growth | None = None,
    ) -> None:
        self.jumps = jumps
        self.programs = None if programs is None else Programs(programs)
        self._paths = paths if programs is None or paths is not None else programs.paths
        self._table = table
        self._router = router
        self._growth = growth
        self._coming: Coming | None = None
        # By time, then rank: ends, what is fetched, calls; behind all stands one that never comes.
        self.events: list[tuple[int, int, int, Any]] = [(LAST_NS + 1, _CALL, 0, None)]
        self._seq = 0
        self._touched: list[Instance] = []
        self.instances: list[Instance] = []
        for group in deployment.groups:
            self._add(group, timeline=timeline)
        self._flows = Flows(deployment, table, self.instances)
        # Single elements of views are read and written in a fraction of the time of an array's.
        self.totals = (table.prompt_tokens + table.output_tokens).data
        self._columns = table.demand.data, table.prompt_tokens.data, table.cached_tokens.data
        self._choices: dict[int, Choice] = {}
        self._clear()
        self._restless = [
            instance
            for instance in self.instances
            if isinstance(instance, KeepingInstance) and not instance.cache.retention.steady
        ]
        self._gate = Gate(self, router) if isinstance(router, Gating) else None
        self._migrations: Migrations | None = None
        self._clocks = 0
        self._last_arrival = 0

    def _add(self, group: Group, *, timeline: bool) -> None:
        """Add the replicas of a group."""
        keeps = group.retention
        retention = None if keeps is None else keeps.begin(self.programs)
        for _ in range(group.replicas):
            instance = self._instance(len(self.instances), group, retention)
            if timeline:
                instance.tally.samples = []
            self.instances.append(instance)

    def _clear(self) -> None:
        """Forget what has happened to the requests."""
        count = len(self._table)
        self.started = np.full(count, NEVER, dtype=np.int64).data
        self.first = np.full(count, NEVER, dtype=np.int64).data
        self.ended = np.full(count, NEVER, dtype=np.int64).data
        self.restarts = np.zeros(count, dtype=np.int32).data
        self.where = np.full(count, -1, dtype=np.int32).data
        self.decoded_at = np.full(count, -1, dtype=np.int32).data
        self.hits = np.zeros(count, dtype=np.int64).data
        self.came = self._table.arrival_ns.copy().data
        self.left, self._came = count, 0

    def _instance(self, index: int, group: Group, retention: Retention | None) -> Instance:
        """Return a replica of the kinds that its policies need."""
        if retention is not None and group.host is not None:
            return TieredInstance(index, group, self, retention, group.host)
        if retention is not None:
            return KeepingInstance(index, group, self, retention)
        kinds: list[type[Instance]] = []
        if group.link is not None and isinstance(self._router, Migrating):
            if group.adapters is not None:
                expected = "a router that leaves running requests where they are"
                raise InputError.single(f"{group.name}.adapters", self._router.name, expected)
            kinds.append(MovableInstance)
        if self._growth is not None:
            kinds.append(StreamingInstance)
        if isinstance(group.eviction, Swapping):
            kinds.append(SwappingInstance)
        return _combined(tuple(kinds))(index, group, self)

    @property
    def paths(self) -> Paths:
        """Streams of the prompts.

        Raises
        ------
        InputError
            When nothing says what the prompts consist of.
        """
        if self._paths is None:
            found = "requests without prefixes"
            raise InputError.single("trace", found, "programs, or a trace with blocks of prompts")
        return self._paths

    # What instances tell.

    def touch(self, instance: Instance) -> None:
        """Let an instance compose a batch when all events of this time have happened."""
        if not instance.dirty:
            instance.dirty = True
            self._touched.append(instance)

    def call_at(self, time: int, action: Callable[[int], None]) -> None:
        """Have something done at a time, which it is told."""
        if time > LAST_NS:
            raise too_long()
        self._seq += 1
        heappush(self.events, (time, _CALL + self._seq, 0, action))

    def found(self, request: Live) -> None:
        """Note the tokens of a prompt that were kept when it first left a queue."""
        self.hits[request.row] = request.done

    def done(self, request: Live, now: int) -> None:
        """Note the end of a request."""
        self.ended[request.row] = now
        self.restarts[request.row] = request.restarts
        self.left -= 1
        if self.programs is not None:
            self._settle(now)
            for time, row in self.programs.ended(request, now):
                self.call_at(time, partial(self._arrive, row))

    def enter(self, request: Live, instance: Instance, now: int) -> None:
        """Queue a request at an instance that computes its prompt."""
        if instance not in request.places:
            raise elsewhere(self._router, request, instance, now)
        self.where[request.row] = instance.index
        instance.enqueue(request, now)

    def hand_over(self, request: Live, now: int) -> None:
        """Queue a request whose prompt is computed at the instance that makes its answer."""
        choice = self._choices[request.row]
        places = choice.answers(self.totals[request.row])
        target = self._router.choose(places, request, now)
        if target not in places:
            raise elsewhere(self._router, request, target, now)
        self.decoded_at[request.row] = target.index
        target.enqueue(request, now)

    def fetch(self, instance: Instance, request: Live, now: int) -> None:
        """Move the KV of a request to an instance that has room for it."""
        link: Link | None = self._choices.pop(request.row).link
        seconds = 0.0 if link is None else link.seconds(request.target)
        self._fetched_at(now + nanoseconds(seconds), instance, request)

    def send(self, instance: Instance, request: Live, time: int) -> None:
        """Have the rest of a request's KV arrive at the instance that it moves to."""
        self.decoded_at[request.row] = instance.index
        self._fetched_at(time, instance, request)

    def _fetched_at(self, time: int, instance: Instance, request: Live) -> None:
        self._seq += 1
        fetched = partial(self._fetched, instance, request)
        heappush(self.events, (time, _FETCHED + self._seq, 0, fetched))

    def every(self, interval: int, action: Callable[[int], None], now: int) -> None:
        """Have something done again and again, as long as anything else is to happen."""

        def again(time: int) -> None:
            self._clocks -= 1
            action(time)
            if not self.quiet(time):
                self.every(interval, action, time)

        self._clocks += 1
        self.call_at(now + interval, again)

    def quiet(self, now: int) -> bool:
        """Tell whether nothing is to happen any more, unless a clock of a policy makes it."""
        foreseen = len(self.events) - 1 > self._clocks or self._touched
        return not foreseen and now >= self._last_arrival

    # The run.

    def run(self, on_progress: Progress | None = None) -> FleetRun:
        """Let all requests pass.

        Parameters
        ----------
        on_progress
            Called now and then with simulated nanoseconds, requests that have come, and requests
            that have ended or were rejected.

        Raises
        ------
        InputError
            When it takes more nanoseconds than columns can hold.
        """
        rows = range(len(self._table)) if self.programs is None else self.programs.starts()
        arrivals = self._table.arrival_ns[np.asarray(rows, dtype=np.int64)].tolist()
        self._wind_up(arrivals)
        heap, touched, migrations = self.events, self._touched, self._migrations
        arrivals.append(LAST_NS + 1)
        coming = zip(rows, arrivals[1:], strict=True)
        comes = arrivals[0]
        while True:
            now, rank, version, what = heap[0]
            if now < comes and rank < _FETCHED:
                heappop(heap)
                if what.version != version:
                    continue
                what.finish(now)
                # Mostly nothing else happens at the time.
                if heap[0][0] > now and not touched and migrations is None:
                    what.start(now)
                    continue
                self.touch(what)
            elif comes < now:
                now = comes
            elif now > LAST_NS:
                break
            while heap[0][0] == now:
                self._happen(now)
            if comes == now:
                comes = self._come(coming, now, on_progress)
                if heap[0][0] == now:
                    continue
            self._compose(now)
        if self.left:
            if len(heap) > 1:
                raise too_long()
            raise PolicyError(f"{self.left} requests wait for ever")
        return self._result()

    def _happen(self, now: int) -> None:
        """Let the first event happen."""
        _, rank, version, what = heappop(self.events)
        if rank >= _FETCHED:
            what(now)
        elif what.version == version:
            what.finish(now)
            self.touch(what)

    def _compose(self, now: int) -> None:
        """Let those compose their next batches that the events of a time have touched."""
        touched = self._touched
        if self._migrations is not None:
            self._migrations.settle(now)
        # Which of them was touched first depends on jumps, whose ends come late.
        if len(touched) > 1:
            touched.sort(key=_index)
        for instance in touched:
            instance.dirty = False
            if not instance.busy:
                instance.start(now)
        touched.clear()

    def _come(
        self, coming: Iterator[tuple[int, int]], now: int, on_progress: Progress | None
    ) -> int:
        """Let the rows come that come now, each with the time of the next; return that time."""
        for row, then in coming:
            self._arrive(row, now)
            self._came += 1
            if on_progress is not None and self._came % _REPORT_EVERY == 0:
                on_progress(now, self._came, len(self._table) - self.left)
            if then > now:
                return then
        return LAST_NS + 1

    def _wind_up(self, arrivals: list[int]) -> None:
        """Start the clocks of policies that look again and again, and foresee parts of prompts."""
        if not arrivals:
            return
        first, self._last_arrival = arrivals[0], arrivals[-1]
        if isinstance(self._router, Migrating):
            self._migrations = Migrations(self, self._router)
            self.every(self._router.interval_ns, self._migrations.look, first)
        if self._gate is not None:
            self._gate.wind_up(first)
        if self._growth is not None:
            self._coming = Coming(self, self._growth)

    def _fetched(self, instance: Instance, request: Live, now: int) -> None:
        """Let KV arrive and its source forget it."""
        self.instances[request.source].release(request, now)
        instance.arrive(request, now)

    def _arrive(self, row: int, now: int) -> None:
        demand, prompts, cached = self._columns
        request = Live(row, now, demand[row], prompts[row], cached[row])
        total = self.totals[row]
        choice = self._flows.choose(request.demand, request.prompt, total)
        if choice is None:
            self.left -= 1 if self.programs is None else self.programs.rejected(row)
            return
        if self.programs is not None:
            self.came[row] = now
            self._settle(now)
            self.programs.came(request, now)
        if self._coming is not None:
            self._coming.came(request)
        if choice.last is not None:
            self._choices[row] = choice
        request.places = choice.prompts(request.prompt, total)
        if self._gate is not None and not self._gate.admits(request, now):
            return
        self.enter(request, self._router.choose(request.places, request, now), now)

    def _settle(self, now: int) -> None:
        """Bring memories up to date whose order of prefixes may change with what happens now."""
        for instance in self._restless:
            instance.settle(now)

    def _result(self) -> FleetRun:
        return FleetRun(
            table=self._table,
            started_ns=np.asarray(self.started),
            first_token_ns=np.asarray(self.first),
            ended_ns=np.asarray(self.ended),
            restarts=np.asarray(self.restarts),
            instance=np.asarray(self.where),
            decode_instance=np.asarray(self.decoded_at),
            came_ns=np.asarray(self.came),
            hit_tokens=np.asarray(self.hits),
            instances=tuple(instance.done for instance in self.instances),
        )


@cache
def _combined(kinds: tuple[type[Instance], ...]) -> type[Instance]:
    """Return the class of instances of all these kinds."""
    if len(kinds) < 2:
        return kinds[0] if kinds else Instance
    return cast("type[Instance]", type("+".join(one.__name__ for one in kinds), kinds, {}))
