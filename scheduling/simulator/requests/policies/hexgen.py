"""HexGen-Text2SQL: stages of queries over unlike instances, most urgent first."""

from __future__ import annotations

from collections.abc import Sequence
from math import fsum
from typing import TYPE_CHECKING

from scheduling.models.cost.protocol import Batch, CostModel
from scheduling.simulator.requests.clock import NS_PER_SECOND
from scheduling.simulator.requests.policy import Provenance
from scheduling.simulator.requests.programs import Programs

if TYPE_CHECKING:
    from scheduling.simulator.requests.instance import Instance
    from scheduling.simulator.requests.live import Live
    from scheduling.simulator.requests.policy import Sending

_FIRST_GUESS = 200.0


class Stages:
    """What is known of the stages of queries: their answers, and the stages behind them.

    Both are means over what has ended, by the name of the stage, when a request is first asked for.

    Parameters
    ----------
    costs
        Times of all kinds of instances; those of a stage are means over them.
    """

    def __init__(self, costs: Sequence[CostModel]) -> None:
        self._costs = costs
        self._known: dict[tuple[int, int], float] = {}

    def begin(self) -> None:
        """Forget the predictions of another run."""
        self._known.clear()

    def seconds(self, cost: CostModel, request: Live, programs: Programs | None) -> float:
        """Predict the time of a request alone on an instance."""
        key = (request.row, id(cost))
        found = self._known.get(key)
        if found is None:
            found = self._known[key] = self._predicted(cost, request, programs)
        return found

    def _predicted(self, cost: CostModel, request: Live, programs: Programs | None) -> float:
        answer = _FIRST_GUESS
        if programs is not None:
            answer = programs.mean_answer(programs.agent(request.row)) or _FIRST_GUESS
        return _alone(cost, request.prompt, answer)

    def behind(self, request: Live, programs: Programs) -> float:
        """Predict the time of the stages that are still to come, as the mean over instances."""
        calls, prompts, answers = programs.mean_behind(programs.agent(request.row))
        if not calls:
            return 0.0
        prompt, answer = max(1, round(prompts / calls)), answers / calls
        one = [_alone(cost, prompt, answer) for cost in self._costs]
        return calls * sum(one) / len(one)

    def usual(self, request: Live, programs: Programs | None) -> float:
        """Predict it as the mean over the kinds of instances."""
        times = [self.seconds(cost, request, programs) for cost in self._costs]
        return sum(times) / len(times)


def _alone(cost: CostModel, prompt: int, answer: float) -> float:
    """Return the time of a request alone."""
    decode = cost.seconds(Batch.decode(1, prompt + round(answer / 2)))
    return cost.seconds(Batch.prefill(prompt)) + answer * decode


class Urgency:
    """Order of a queue: time that a stage takes beyond its budget, largest first.

    A query's time that is left until its deadline is shared among its stages by their times; those
    that are still to come are as long as what ended queries had behind one of that name.

    Parameters
    ----------
    stages
        Predicts times.
    limit_seconds
        From a query's coming to its deadline.
    """

    name = "urgency"
    provenance: Provenance = "code with fix"
    steady = False

    def __init__(self, stages: Stages, limit_seconds: float) -> None:
        self._stages = stages
        self._limit = limit_seconds
        self.programs: Programs | None = None

    def key(self, request: Live, now: int) -> tuple[float, ...]:
        """Order by urgency, then by arrival."""
        programs = self.programs
        if programs is None:
            return 0.0, request.arrival_ns
        takes = self._stages.usual(request, programs)
        came = programs.came_ns[programs.of(request.row)]
        elapsed = (request.arrival_ns - came) / NS_PER_SECOND
        waited = (now - request.arrival_ns) / NS_PER_SECOND
        share = takes / (takes + self._stages.behind(request, programs))
        budget = (self._limit - elapsed) * share
        return -(takes - (budget - waited)), request.arrival_ns


class Scores:
    """Dispatch by speed and by the work that is queued: ``a * speed - (1 - a) * work``, largest.

    The speed is the mean predicted time over all instances by that of the one; the work is the sum
    of predicted times of its requests, by the mean over all. Released code never takes work away
    when it is done; here an instance has that of the requests that are there.

    Parameters
    ----------
    stages
        Predicts times.
    weight
        ``a``, from 0 to 1.
    order
        The queues' order, which learns from the same run.
    """

    name = "hexgen-scores"
    provenance: Provenance = "code with fix"
    period_ns = NS_PER_SECOND

    def __init__(self, stages: Stages, weight: float, order: Urgency | None) -> None:
        self._stages = stages
        self._weight = weight
        self._order = order
        self._programs: Programs | None = None

    def begin(self, programs: Programs | None, fleet: Sequence[Instance]) -> None:
        """Look at a run that begins."""
        del fleet
        self._stages.begin()
        self._programs = programs
        if self._order is not None:
            self._order.programs = programs

    def admits(self, request: Live, now: int) -> bool:
        """Hold nothing back."""
        del request, now
        return True

    def tick(self, now: int) -> Sequence[Sending]:
        """Send nothing."""
        del now
        return ()

    def choose(self, candidates: Sequence[Instance], request: Live, now: int) -> Instance:
        """Return the instance with the largest score; the first of several."""
        del now
        takes = [
            self._stages.seconds(instance.cost, request, self._programs) for instance in candidates
        ]
        work = [self._work(instance) for instance in candidates]
        usual = sum(takes) / len(takes)
        base = sum(work) / len(work) or 1.0
        scores = [
            self._weight * usual / time - (1 - self._weight) * queued / base
            for time, queued in zip(takes, work, strict=True)
        ]
        return candidates[max(range(len(scores)), key=lambda place: (scores[place], -place))]

    def _work(self, instance: Instance) -> float:
        there = (*instance.waiting, *instance.prefilling, *instance.decoding.values())
        # The same in whatever order they stand.
        return fsum(
            self._stages.seconds(instance.cost, request, self._programs) for request in there
        )
