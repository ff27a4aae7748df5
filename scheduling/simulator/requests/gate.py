"""A router that may hold requests back, and looks at the fleet again and again."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from scheduling.simulator.requests.clock import NS_PER_SECOND
from scheduling.simulator.requests.refusals import forgotten

if TYPE_CHECKING:
    from scheduling.simulator.requests.engine import Engine
    from scheduling.simulator.requests.live import Live
    from scheduling.simulator.requests.policy import Gating

_PATIENCE_NS = 86_400 * NS_PER_SECOND
"""How long requests may be held back while nothing else happens."""


class Gate:
    """The clock of a router that holds requests back.

    Parameters
    ----------
    engine
        The run.
    policy
        Says who goes on, and where to.
    """

    def __init__(self, engine: Engine, policy: Gating) -> None:
        self._engine = engine
        self._policy = policy
        self._stirred = 0
        self._held: dict[int, None] = {}
        computing = [one for one in engine.instances if one.group.role != "decode"]
        policy.begin(engine.programs, computing)

    def wind_up(self, first: int) -> None:
        """Have the policy look one period after the first arrival, and then again and again."""
        self._engine.call_at(first + self._policy.period_ns, self._look)

    def admits(self, request: Live, now: int) -> bool:
        """Tell whether a request that comes may go on."""
        if self._policy.admits(request, now):
            return True
        self._held[request.row] = None
        return False

    def _look(self, now: int) -> None:
        """Let requests go on that the router has held back or withdrawn."""
        engine = self._engine
        sending = self._policy.tick(now)
        for sent in sending:
            self._held.pop(sent.request.row, None)
            left = engine.where[sent.request.row]
            if left >= 0:
                # Those behind one that has left a queue may begin there.
                engine.instances[left].wake(now)
            if sent.delay_ns:
                send = partial(engine.enter, sent.request, sent.instance)
                engine.call_at(now + sent.delay_ns, send)
            else:
                engine.enter(sent.request, sent.instance, now)
        if sending or not engine.quiet(now):
            self._stirred = now
        elif self._held and now - self._stirred > _PATIENCE_NS:
            raise forgotten(self._policy, list(self._held), now)
        if engine.left:
            engine.call_at(now + self._policy.period_ns, self._look)
