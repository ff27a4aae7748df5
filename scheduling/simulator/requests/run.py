"""What a simulation has found: times of every request and work of every instance."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from scheduling.models.requests.table import RequestTable
from scheduling.simulator.requests.clock import NS_PER_SECOND

if TYPE_CHECKING:
    from scheduling.simulator.requests.tally import Tally

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

NEVER = -1
"""Time of what did not happen."""


@dataclass(frozen=True, slots=True)
class InstanceRun:
    """One instance of the fleet.

    Parameters
    ----------
    name, group
        Its name and that of its group.
    capacity_blocks
        Blocks of KV memory that it has.
    tally
        What it has done.
    """

    name: str
    group: str
    capacity_blocks: int
    tally: Tally


@dataclass(frozen=True, eq=False, slots=True)
class FleetRun:
    """Times of all requests, in nanoseconds from the start of the trace; -1 is never.

    Parameters
    ----------
    table
        The requests.
    started_ns
        When each first left a queue.
    first_token_ns, ended_ns
        When its first and its last token came; never for requests that were rejected.
    restarts
        How often it was evicted.
    instance, decode_instance
        Index of the instance that computed its prompt; of that which made its answer where this
        was another, else -1.
    came_ns
        When each came: its arrival in the table, or for the later calls of a program the end of the
        tools before it.
    hit_tokens
        Tokens at the head of its prompt that its instance had kept when it first left the queue.
    instances
        The instances, in the order of those indices.
    """

    table: RequestTable
    started_ns: Ints
    first_token_ns: Ints
    ended_ns: Ints
    restarts: NDArray[np.int32]
    instance: NDArray[np.int32]
    decode_instance: NDArray[np.int32]
    came_ns: Ints
    hit_tokens: Ints
    instances: tuple[InstanceRun, ...]

    @property
    def served(self) -> NDArray[np.bool_]:
        """Which requests were served."""
        return np.not_equal(self.ended_ns, NEVER)

    @property
    def rejected(self) -> int:
        """Requests that were larger than the memory of all instances that they could go to."""
        return int((self.ended_ns == NEVER).sum())

    @property
    def iterations(self) -> int:
        """Batches that all instances ran."""
        return sum(instance.tally.iterations for instance in self.instances)

    @property
    def makespan_seconds(self) -> float:
        """When the last request ended; 0 when none did."""
        return float(self.ended_ns.max(initial=0)) / NS_PER_SECOND

    @property
    def queue_seconds(self) -> Floats:
        """Seconds from each served request's arrival to its beginning."""
        return self._since_arrival(self.started_ns)

    @property
    def ttft_seconds(self) -> Floats:
        """Seconds from each served request's arrival to its first token."""
        return self._since_arrival(self.first_token_ns)

    @property
    def e2e_seconds(self) -> Floats:
        """Seconds from each served request's arrival to its last token."""
        return self._since_arrival(self.ended_ns)

    @property
    def tpot_seconds(self) -> Floats:
        """Seconds between the tokens of each served request, on average; 0 for a single token."""
        served = self.served
        span = (self.ended_ns - self.first_token_ns)[served] / NS_PER_SECOND
        gaps = self.table.output_tokens[served] - 1
        return np.asarray(span / np.maximum(gaps, 1), dtype=np.float64)

    def _since_arrival(self, times: Ints) -> Floats:
        served = self.served
        span = (times - self.came_ns)[served]
        return np.asarray(span / NS_PER_SECOND, dtype=np.float64)
