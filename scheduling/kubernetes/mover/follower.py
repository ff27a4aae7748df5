"""What carries the newest plan out turn by turn, and waits after failures."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable

from scheduling.kubernetes.client.backoff import Backoff
from scheduling.kubernetes.client.reflector import Note
from scheduling.kubernetes.extender.plan import Plan
from scheduling.kubernetes.state import ClusterState

NOT_FOUND = 404
"""Code of the API server for objects that are gone."""

_TURN_SECONDS = 0.25


class Follower(ABC):
    """Does what the newest plan asks for, a little in each turn.

    Parameters
    ----------
    state
        The newest state of the cluster.
    plan
        Returns the plan to follow; ``None``: there is none that holds.
    backoff
        Waits after failures.
    note
        Told of everything that is done.

    Attributes
    ----------
    counts
        Number of actions by outcome.
    """

    def __init__(
        self,
        state: ClusterState,
        plan: Callable[[], Plan | None],
        backoff: Backoff,
        note: Note,
    ) -> None:
        self.counts: Counter[str] = Counter()
        self._state, self._newest = state, plan
        self._backoff, self._note = backoff, note
        self._earliest = 0.0

    async def run(self) -> None:
        """Follow the newest plan until cancelled."""
        while True:
            await self.turn(asyncio.get_running_loop().time())
            await asyncio.sleep(_TURN_SECONDS)

    @abstractmethod
    async def turn(self, now: float) -> None:
        """Look at the state and do what can be done now.

        Parameters
        ----------
        now
            Time in seconds; only differences count.
        """
