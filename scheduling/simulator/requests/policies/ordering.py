"""Whose turn it is in a queue."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from scheduling.models.cost.protocol import Batch, CostModel
from scheduling.simulator.requests.clock import NS_PER_SECOND
from scheduling.simulator.requests.policy import Provenance

if TYPE_CHECKING:
    from scheduling.simulator.requests.live import Live


@dataclass(frozen=True, slots=True)
class ShortestPrompt:
    """Fewest prompt tokens to compute first, the part of a request's length that is known."""

    name: str = "shortest-prompt"
    provenance: Provenance = "inferred"
    steady: bool = True

    def key(self, request: Live, now: int) -> tuple[float, ...]:
        """Order by tokens, then by arrival."""
        del now
        return request.left, request.arrival_ns


@dataclass(frozen=True, slots=True)
class ShortestAnswer:
    """Shortest answer first, with the lengths of all answers known beforehand.

    The order of MC-SF (Jaillet et al., arXiv 2502.07115).

    Parameters
    ----------
    answers
        Tokens of the answer of each row of the table.
    """

    answers: NDArray[np.int64]
    name: str = "shortest-answer"
    provenance: Provenance = "paper"
    steady: bool = True

    def key(self, request: Live, now: int) -> tuple[float, ...]:
        """Order by the tokens to come, then by arrival."""
        del now
        left = request.prompt + int(self.answers[request.row]) - request.target
        return left, request.arrival_ns


@dataclass(frozen=True, slots=True)
class EarliestDeadline:
    """Earliest deadline of the first token first.

    Parameters
    ----------
    seconds
        From arrival to the deadline, by row of the table's demands; ``None``: no deadline.
    """

    seconds: tuple[float | None, ...]
    name: str = "earliest-deadline"
    provenance: Provenance = "paper"
    steady: bool = True

    def key(self, request: Live, now: int) -> tuple[float, ...]:
        """Order by deadline, then by arrival."""
        return self.rank(request, now, 0.0)

    def rank(self, request: Live, now: int, seconds: float) -> tuple[float, ...]:
        """Order by the same, however long the prompt takes."""
        del now, seconds
        return deadline_ns(request, self.seconds), request.arrival_ns, request.row


@dataclass(frozen=True, slots=True)
class SlackDeadline:
    """S-EDF of FlowPrefill: earliest deadline first of those that can still keep theirs.

    A prompt can keep its deadline while more time is left than it takes alone; those that cannot
    come after all others, latest deadline first (arXiv 2602.16603). As the order of a queue alone
    it holds at every iteration, and prompts are not preempted at operators.

    Parameters
    ----------
    seconds
        As of :class:`EarliestDeadline`.
    cost
        Predicts the time of a prompt.
    """

    seconds: tuple[float | None, ...]
    cost: CostModel
    name: str = "slack-deadline"
    provenance: Provenance = "inferred"
    steady: bool = False

    def key(self, request: Live, now: int) -> tuple[float, ...]:
        """Order by whether there is slack, then by deadline."""
        return self.rank(request, now, prompt_seconds(self.cost, request))

    def rank(self, request: Live, now: int, seconds: float) -> tuple[float, ...]:
        """Order by the same, for a prompt that takes so many seconds more."""
        deadline = deadline_ns(request, self.seconds)
        late = deadline - now <= seconds * NS_PER_SECOND
        return late, -deadline if late else deadline, request.arrival_ns, request.row


@dataclass(frozen=True, slots=True)
class ShortestRemaining:
    """Prompt with the least time left first.

    Parameters
    ----------
    cost
        Predicts the time of a prompt.
    """

    cost: CostModel
    name: str = "shortest-remaining"
    provenance: Provenance = "paper"
    steady: bool = True

    def key(self, request: Live, now: int) -> tuple[float, ...]:
        """Order by the time of the prompt, then by arrival."""
        return self.rank(request, now, prompt_seconds(self.cost, request))

    def rank(self, request: Live, now: int, seconds: float) -> tuple[float, ...]:
        """Order by the same, for a prompt that takes so many seconds more."""
        del now
        return seconds, request.arrival_ns, request.row


def prompt_seconds(cost: CostModel, request: Live) -> float:
    """Return the time that the rest of a prompt takes alone."""
    return cost.seconds(Batch.prefill(request.left, request.done))


def deadline_ns(request: Live, seconds: tuple[float | None, ...]) -> float:
    """Return the nanosecond of a request's deadline; infinite without one."""
    limit = seconds[request.demand]
    return float("inf") if limit is None else request.arrival_ns + limit * NS_PER_SECOND
