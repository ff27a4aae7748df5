"""A request inside the fleet: what has been revealed of it."""

from __future__ import annotations

from collections.abc import Sequence
from enum import IntEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from scheduling.simulator.requests.instance import Instance

WHOLE = 1 << 62
"""Tokens known of a prompt of which no parts are to come."""


class State(IntEnum):
    """Where a request is."""

    WAITING = 0
    PREFILLING = 1
    DECODING = 2
    MOVING = 3
    DONE = 4


_WAITING = State.WAITING


class Live:
    """A request as policies see it: the length of its answer is not here.

    Attributes
    ----------
    row
        Its row in the table of requests.
    arrival_ns
        When it came to the fleet.
    demand
        Row of the table's ``demands``.
    prompt
        Tokens of its prompt.
    cached
        Tokens at the head of the prompt that need no computing, as far as that is known.
    target
        Tokens that its present prefill has to reach: the prompt, and after a restart also the
        tokens of the answer that were made before it.
    done
        Tokens of the target that are computed; while it decodes, see ``base``.
    base
        While it decodes: its tokens less the decode steps that its instance had made when it
        joined them, so that its tokens are ``base + steps`` at any later step.
    blocks
        Blocks of KV memory it held when it was admitted.
    restarts
        How often it was evicted and began anew.
    begun, answered
        It has left a queue before; its first token has come.
    state
        Where it is.
    order
        Counts the times that requests began to decode on its instance.
    remote
        Its KV lies on another instance, which computed its prompt.
    known, parts_left, grown_ns
        Tokens of its prompt that are known, how many parts are to come, and when the last one came.
    source, left_behind
        Index of that instance, and the blocks that it keeps there until they are fetched.
    places
        Instances that may compute its prompt on the way that it takes.
    """

    __slots__ = (
        "answered",
        "arrival_ns",
        "base",
        "begun",
        "blocks",
        "cached",
        "demand",
        "done",
        "grown_ns",
        "known",
        "left_behind",
        "order",
        "parts_left",
        "places",
        "prompt",
        "remote",
        "restarts",
        "row",
        "source",
        "state",
        "target",
    )

    def __init__(self, row: int, arrival_ns: int, demand: int, prompt: int, cached: int) -> None:
        self.row = row
        self.arrival_ns = arrival_ns
        self.demand = demand
        self.prompt = prompt
        self.cached = cached
        self.target = prompt
        self.done = cached
        self.base = 0
        self.blocks = 0
        self.order = 0
        self.restarts = 0
        self.state = _WAITING
        self.begun = False
        self.answered = False
        self.remote = False
        self.source = -1
        self.left_behind = 0
        self.known = WHOLE
        self.parts_left = 0
        self.grown_ns = arrival_ns
        self.places: Sequence[Instance] = ()

    @property
    def left(self) -> int:
        """Tokens that its prefill has yet to compute, of those that are known."""
        if self.known < self.target:
            return self.known - self.done
        return self.target - self.done
