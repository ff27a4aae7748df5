"""The policies of edge and cloud: deadlines first, migration, stealing, adaptation, guarantees."""

from __future__ import annotations

from collections import defaultdict, deque

from scheduling.models.edge.problem import Item
from scheduling.simulator.edge.world import World

_RELAXATION = (
    "each task runs once on the edge or in the cloud after it has come, or not at all, as in the "
    "offline problem; runs that end late only cost"
)
_PAPER = "paper (arXiv 2412.20860)"
_MARGIN_MS = 10
_SLACK_MS = 132
_SAMPLES = 10
_CHANGE_MS = 10
_COOL_MS = 10_000
_WINDOW_MS = 20_000
_TARGET = 0.9


class EdgeAlone:
    """The earliest deadline first on the edge; what would be late is dropped."""

    name = "edge"
    summary = "earliest deadline on the edge alone"
    provenance = _PAPER
    relaxation = _RELAXATION

    def begin(self) -> None:
        """Forget earlier runs."""

    def arrive(self, item: Item, world: World) -> None:
        """Queue it where it would be in time."""
        if world.ends(item) <= item.deadline:
            world.enqueue(item)
        else:
            self.elsewhere(item, world)

    def elsewhere(self, item: Item, world: World) -> None:
        """Drop what the edge does not take."""
        world.drop(item)

    def triggered(self, item: Item, world: World) -> None:
        """Decide on a task that has waited."""
        self.elsewhere(item, world)

    def choose(self, world: World) -> Item | None:  # noqa: ARG002 - protocol
        """Choose nothing: the queue goes on."""
        return None

    def ended(self, item: Item, world: World, *, cloud: bool, in_time: bool) -> None:
        """Keep nothing."""


class CloudAlone(EdgeAlone):
    """Everything in the cloud that is worth it and expected in time."""

    name = "cloud"
    summary = "the cloud alone, for what is worth it"

    def arrive(self, item: Item, world: World) -> None:
        """Send it."""
        self.elsewhere(item, world)

    def elsewhere(self, item: Item, world: World) -> None:
        """Send what is expected in time at a gain, drop the rest."""
        if item.cloud_gain > 0 and world.now + self.expected(item, world) <= item.deadline:
            world.send(item)
        else:
            world.drop(item)

    def expected(self, item: Item, world: World) -> int:  # noqa: ARG002 - others look at the time
        """Return the milliseconds that a run in the cloud is expected to take."""
        return item.model.cloud_ms


class EdgeAndCloud(CloudAlone):
    """The edge by earliest deadline, and the cloud for what would be late there (E+C)."""

    name = "e+c"
    summary = "earliest deadline on the edge, else the cloud"

    def arrive(self, item: Item, world: World) -> None:
        """Queue it where it would be in time, whatever that makes late."""
        EdgeAlone.arrive(self, item, world)


class MigratingTasks(EdgeAndCloud):
    """DEM: tasks that a new one makes late go to the cloud if that loses less than the new one.

    Leaving the edge loses a task the difference of its two utilities where the cloud can still run
    it at a gain, else its utility on the edge.
    """

    name = "dem"
    summary = "e+c, and queued tasks migrate to the cloud for better ones"
    provenance = f"{_PAPER}, absolute deadlines: code with fix"

    def arrive(self, item: Item, world: World) -> None:
        """Queue it if it is in time and worth more than what it makes late."""
        if world.ends(item) > item.deadline:
            self.elsewhere(item, world)
            return
        late = world.made_late(item)
        if late and sum(self.loss(other, world) for other in late) >= self.loss(item, world):
            self.elsewhere(item, world)
            return
        for other in late:
            world.withdraw(other)
            self.elsewhere(other, world)
        world.enqueue(item)

    def loss(self, item: Item, world: World) -> int:
        """Return what a task loses when it does not run on the edge."""
        feasible = world.now + self.expected(item, world) <= item.deadline
        if feasible and item.cloud_gain > 0:
            return abs(item.edge_gain - item.cloud_gain)
        return item.edge_gain


class Stealing(MigratingTasks):
    """DEMS: tasks for the cloud wait as long as they can, and an edge with time takes them.

    A task is sent 10 ms before it would be late; tasks that the cloud runs at a loss wait as well.
    When the edge is idle, or its next task has more than 132 ms to spare, it takes the task that
    gains most per time on the edge and makes nothing late.
    """

    name = "dems"
    summary = "dem, and a free edge steals what waits for the cloud"

    def elsewhere(self, item: Item, world: World) -> None:
        """Let it wait until it has to be sent."""
        trigger = item.deadline - self.expected(item, world) - _MARGIN_MS
        if trigger > world.now:
            world.hold(item, trigger)
        else:
            super().elsewhere(item, world)

    def triggered(self, item: Item, world: World) -> None:
        """Send it."""
        CloudAlone.elsewhere(self, item, world)

    def choose(self, world: World) -> Item | None:
        """Return what gains most per time on the edge."""
        if world.queue:
            head = world.queue[0]
            if head.deadline - world.now - head.model.edge_ms <= _SLACK_MS:
                return None
        able = [item for item in world.waiting.values() if world.keeps_all(item)]
        return max(able, key=_worth, default=None)


def _worth(item: Item) -> float:
    gain = (item.edge_gain - item.cloud_gain) * 1000 / item.model.edge_ms
    return gain + 1000 if item.cloud_gain < 0 else gain


class Adapting(Stealing):
    """DEMS-A: expects of the cloud what its last ten runs of a model took.

    The expectation changes when their mean differs by more than 10 ms; after 10 s without a run of
    the model it is that of the model again, so that a slow spell does not end its use for good.
    """

    name = "dems-a"
    summary = "dems with times in the cloud as last observed"

    def begin(self) -> None:
        """Forget what was observed."""
        self._samples: dict[str, deque[int]] = defaultdict(lambda: deque(maxlen=_SAMPLES))
        self._mean: dict[str, int] = {}
        self._seen: dict[str, int] = {}

    def expected(self, item: Item, world: World) -> int:
        """Return the mean of the last runs, unless they are long ago."""
        name = item.model.id
        if world.now - self._seen.get(name, -_COOL_MS) >= _COOL_MS:
            self._samples.pop(name, None)
            self._mean.pop(name, None)
        return self._mean.get(name, item.model.cloud_ms)

    def ended(self, item: Item, world: World, *, cloud: bool, in_time: bool) -> None:
        """Take note of how long a run in the cloud took."""
        super().ended(item, world, cloud=cloud, in_time=in_time)
        if not cloud:
            return
        name = item.model.id
        self._seen[name] = world.now
        self._samples[name].append(item.cloud_ms)
        mean = round(sum(self._samples[name]) / len(self._samples[name]))
        if abs(mean - self._mean.get(name, item.model.cloud_ms)) > _CHANGE_MS:
            self._mean[name] = mean


class Guaranteeing(Stealing):
    """GEMS: models below 90 % of results in time go from the edge's queue to the cloud.

    Shares are those of tumbling windows of 20 s.
    """

    name = "gems"
    summary = "dems, and queued tasks of models with few results in time go to the cloud"

    def begin(self) -> None:
        """Start the first window."""
        self._window = 0
        self._counts: dict[str, list[int]] = defaultdict(lambda: [0, 0])

    def ended(self, item: Item, world: World, *, cloud: bool, in_time: bool) -> None:
        """Count the result, and move the model's tasks when it falls short."""
        super().ended(item, world, cloud=cloud, in_time=in_time)
        window = world.now // _WINDOW_MS
        if window != self._window:
            self._window = window
            self._counts.clear()
        counts = self._counts[item.model.id]
        counts[0] += in_time
        counts[1] += 1
        if counts[0] >= _TARGET * counts[1]:
            return
        for other in [entry for entry in world.queue if entry.model is item.model]:
            if other.cloud_gain > 0 and world.now + self.expected(other, world) <= other.deadline:
                world.withdraw(other)
                world.send(other)
