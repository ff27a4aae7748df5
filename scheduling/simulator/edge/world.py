"""The edge, the cloud and what waits for them: what policies see and do."""

from __future__ import annotations

from bisect import insort
from dataclasses import dataclass
from heapq import heappop, heappush
from typing import Protocol

from scheduling.errors import PolicyError
from scheduling.models.edge.problem import EdgeCloud, Item

_EDGE_END, _CLOUD_END, _ARRIVAL, _TRIGGER = range(4)


class EdgePolicy(Protocol):
    """Decides where tasks run, from those that have come by then.

    Any object with these attributes and methods can be simulated.

    Attributes
    ----------
    name, summary
        Name in tables, and one line for people.
    provenance
        Where the rule comes from: paper, released code, code with fix, inferred.
    relaxation
        Why the bound of the offline problem holds for it, in one line.
    """

    name: str
    summary: str
    provenance: str
    relaxation: str

    def begin(self) -> None:
        """Forget earlier runs; called at the start of each."""
        ...

    def arrive(self, item: Item, world: World) -> None:
        """Queue a task for the edge, send it to the cloud, let it wait, or drop it."""
        ...

    def triggered(self, item: Item, world: World) -> None:
        """Decide on a task that has waited until its trigger."""
        ...

    def choose(self, world: World) -> Item | None:
        """Return the waiting task that the free edge runs before its queue, if any."""
        ...

    def ended(self, item: Item, world: World, *, cloud: bool, in_time: bool) -> None:
        """Take note of a run that has ended, or of a task that was dropped (late on the edge)."""
        ...


@dataclass(frozen=True, slots=True)
class Placed:
    """A run: where, from when to when."""

    item: Item
    cloud: bool
    start: int
    end: int

    @property
    def in_time(self) -> bool:
        """Whether it ends by the task's deadline."""
        return self.end <= self.item.deadline


class World:
    """One simulation.

    Events come by time; at one time, runs end before tasks come before triggers, and then the edge,
    when free, takes its next task.

    Parameters
    ----------
    problem
        The tasks.
    policy
        Decides.

    Attributes
    ----------
    now
        Milliseconds.
    expected_free
        When the edge is expected to have ended what it runs.
    free_at
        When it has; later than now only while it runs something.
    queue
        Tasks that wait for the edge, by deadline.
    waiting
        Tasks that wait for their triggers, in the order in which they began to.
    """

    def __init__(self, problem: EdgeCloud, policy: EdgePolicy) -> None:
        self.now = 0
        self.free_at = 0
        self.expected_free = 0
        self.queue: list[Item] = []
        self.waiting: dict[int, Item] = {}
        self.placed: list[Placed] = []
        self.stolen = 0
        self._policy = policy
        self._events: list[tuple[int, int, int, Placed | Item]] = []
        self._decided: set[int] = set()
        for item in problem.items():
            heappush(self._events, (item.arrival, _ARRIVAL, item.number, item))

    # What policies ask.

    def ends(self, item: Item) -> int:
        """Return when a task would end on the edge if it were queued by its deadline now."""
        before = sum(other.model.edge_ms for other in self.queue if other.deadline <= item.deadline)
        return max(self.now, self.expected_free) + before + item.model.edge_ms

    def made_late(self, item: Item) -> list[Item]:
        """Return the queued tasks that would end late only because of a task before them."""
        end = max(self.now, self.expected_free)
        late = []
        for other in self.queue:
            end += other.model.edge_ms
            if other.deadline > item.deadline and end <= other.deadline < end + item.model.edge_ms:
                late.append(other)
        return late

    def keeps_all(self, item: Item) -> bool:
        """Tell whether the edge can run a task at once and still end all queued ones in time."""
        end = self.now + item.model.edge_ms
        if end > item.deadline:
            return False
        for other in self.queue:
            end += other.model.edge_ms
            if end - item.model.edge_ms <= other.deadline < end:
                return False
        return True

    # What policies do.

    def enqueue(self, item: Item) -> None:
        """Queue a task for the edge by its deadline."""
        self._decide(item)
        insort(self.queue, item, key=lambda entry: entry.deadline)

    def withdraw(self, item: Item) -> None:
        """Take a task out of the edge's queue; it has to be decided on again."""
        self.queue.remove(item)
        self._decided.discard(item.number)

    def send(self, item: Item) -> None:
        """Run a task in the cloud from now on."""
        self._decide(item)
        run = Placed(item, True, self.now, self.now + item.cloud_ms)
        heappush(self._events, (run.end, _CLOUD_END, item.number, run))

    def hold(self, item: Item, trigger: int) -> None:
        """Let a task wait until its trigger; a free edge may take it before."""
        self.waiting[item.number] = item
        heappush(self._events, (max(trigger, self.now), _TRIGGER, item.number, item))

    def drop(self, item: Item) -> None:
        """Give a task up."""
        self._decide(item)
        self._policy.ended(item, self, cloud=False, in_time=False)

    def _decide(self, item: Item) -> None:
        if item.number in self._decided:
            what = f"{self._policy.name} decides twice on task {item.task.id!r}"
            raise PolicyError(f"{what} at {self.now} ms")
        self._decided.add(item.number)
        self.waiting.pop(item.number, None)

    # The run.

    def run(self) -> None:
        """Let all tasks pass."""
        self._policy.begin()
        while self._events:
            self.now, kind, number, what = heappop(self._events)
            if isinstance(what, Placed):
                self.placed.append(what)
                self._policy.ended(what.item, self, cloud=what.cloud, in_time=what.in_time)
            elif kind == _ARRIVAL:
                self._policy.arrive(what, self)
            elif number in self.waiting:
                self._policy.triggered(what, self)
            if not self._events or self._events[0][0] > self.now:
                self._next()

    def _next(self) -> None:
        """Let the free edge take a task: one that the policy chooses, or the first in time."""
        if self.free_at > self.now:
            return
        chosen = self._policy.choose(self)
        if chosen is not None:
            self._decide(chosen)
            self.stolen += 1
            self._start(chosen)
            return
        while self.queue:
            item = self.queue.pop(0)
            if self.now + item.model.edge_ms <= item.deadline:
                self._start(item)
                return
            self._policy.ended(item, self, cloud=False, in_time=False)

    def _start(self, item: Item) -> None:
        run = Placed(item, False, self.now, self.now + item.edge_ms)
        self.free_at = run.end
        self.expected_free = self.now + item.model.edge_ms
        heappush(self._events, (run.end, _EDGE_END, item.number, run))
