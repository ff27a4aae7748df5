"""Live migration: running requests change their instance while they decode.

The KV cache is copied in stages, as by Llumnix: the first takes what is there, each further one
what was decoded meanwhile; when that fits into a block the request leaves its batch, the last
tokens are copied, and it decodes on at the other instance. Memory there is set aside before a stage
begins. A request that ends, is evicted, or finds no memory on the way stays where it is.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from scheduling.simulator.requests.clock import nanoseconds
from scheduling.simulator.requests.live import Live, State
from scheduling.simulator.requests.movable import MovableInstance
from scheduling.simulator.requests.refusals import impossible

if TYPE_CHECKING:
    from scheduling.simulator.requests.deployment import Link
    from scheduling.simulator.requests.engine import Engine
    from scheduling.simulator.requests.policy import Migrating


class Move:
    """One request on its way.

    Parameters
    ----------
    migrations
        What it belongs to.
    request, source, target
        Who moves from where to where.
    link
        How its KV moves.
    """

    def __init__(
        self,
        migrations: Migrations,
        request: Live,
        source: MovableInstance,
        target: MovableInstance,
        link: Link,
    ) -> None:
        self.request = request
        self.source = source
        self.target = target
        self._migrations = migrations
        self._link = link
        self._restarts = request.restarts
        self._blocks = 0
        self._sent = 0
        self._last = 0

    def begin(self, now: int) -> bool:
        """Copy what is there, if the other instance has memory for it."""
        return self._stage(self.source.tokens_at(self.request, now) - 1, now)

    def _stage(self, tokens: int, now: int) -> bool:
        """Copy all up to some tokens, if there is memory for them."""
        if not self._secure(tokens, now):
            return False
        self._last = tokens - self._sent
        self._sent = tokens
        time = now + nanoseconds(self._link.seconds(self._last))
        self._migrations.call_at(time, self._staged)
        return True

    def _secure(self, tokens: int, now: int) -> bool:
        memory = self.target.memory
        need = memory.blocks(tokens)
        if not self.target.admission.grows:
            need = max(need, self.request.blocks)
        if not self.target.reserve(max(0, need - self._blocks), now):
            return False
        self._blocks = max(need, self._blocks)
        return True

    def _staged(self, now: int) -> None:
        """End a stage: begin the next, or let the request leave its batch."""
        if not self._runs:
            self._abort(now)
            return
        tokens = self.source.tokens_at(self.request, now) - 1
        left = tokens - self._sent
        # Stages that do not shrink would never end.
        if left <= self.source.memory.block_size or left >= self._last:
            self._migrations.let_go(self, now)
        elif not self._stage(tokens, now):
            self._abort(now)

    @property
    def _runs(self) -> bool:
        """Whether the request still decodes where it did."""
        request = self.request
        return request.state is State.DECODING and request.restarts == self._restarts

    def depart(self, now: int) -> None:
        """Take the request out of its batch and copy the rest."""
        request = self.request
        tokens = request.base + self.source.steps - 1
        if not self._runs or self.target.slots <= 0 or not self._secure(tokens, now):
            self._abort(now)
            return
        self.source.part(request, now)
        request.blocks = self._blocks
        self.target.expect(request)
        self._migrations.departed(self, nanoseconds(self._link.seconds(tokens - self._sent)), now)

    def _abort(self, now: int) -> None:
        self.target.give_up(self._blocks, now)
        self._migrations.over(self)


class Migrations:
    """All moves of a run.

    Parameters
    ----------
    engine
        The run.
    policy
        Says who moves.
    """

    def __init__(self, engine: Engine, policy: Migrating) -> None:
        self._engine = engine
        self._policy = policy
        groups: dict[str, list[MovableInstance]] = {}
        for instance in engine.instances:
            if isinstance(instance, MovableInstance):
                groups.setdefault(instance.group.name, []).append(instance)
        self._groups = tuple(groups.values())
        self._moving: dict[int, Move] = {}
        self._parting: dict[int, Move] = {}

    def call_at(self, time: int, action: Callable[[int], None]) -> None:
        """Have something done at a time."""
        self._engine.call_at(time, action)

    def look(self, now: int) -> None:
        """Begin the moves that the policy wants now."""
        for instances in self._groups:
            for request, source, target in self._policy.moves(instances, now):
                self._check(request, source, target, now)
                link = source.group.link
                if request.row not in self._moving and link is not None:
                    move = Move(self, request, source, target, link)
                    if move.begin(now):
                        self._moving[request.row] = move

    def let_go(self, move: Move, now: int) -> None:
        """Have a request leave with the end of the iteration that runs now."""
        self._parting[move.request.row] = move
        move.source.catch_up(now)
        move.source.wake(now)

    def settle(self, now: int) -> None:
        """Let those leave whose iteration has ended, before instances compose their batches."""
        for row in sorted(self._parting):
            if not self._parting[row].source.busy:
                self._parting.pop(row).depart(now)

    def _check(
        self, request: Live, source: MovableInstance, target: MovableInstance, now: int
    ) -> None:
        if source.decoding.get(request.row) is request and target is not source:
            return
        found = f"to {target.name}, but it does not decode on {source.name}"
        if target is source:
            found = f"from {source.name} to itself"
        raise impossible(self._policy, request.row, f"moved {found}", now)

    def departed(self, move: Move, took: int, now: int) -> None:
        """Let a request arrive after some nanoseconds."""
        self._engine.send(move.target, move.request, now + took)
        self.over(move)

    def over(self, move: Move) -> None:
        """Forget a move that has ended."""
        del self._moving[move.request.row]
