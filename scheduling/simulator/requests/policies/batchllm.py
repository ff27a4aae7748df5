"""BatchLLM: requests with a common prefix run one after the other, the prefix only once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from scheduling.models.requests.prefix_groups import PrefixGroup
from scheduling.models.requests.table import RequestTable
from scheduling.simulator.requests.policy import Begins, Provenance

if TYPE_CHECKING:
    from scheduling.simulator.requests.live import Live
    from scheduling.simulator.requests.turn import Turn

BATCH_TOKENS = 2048

Ints = NDArray[np.int64]


def group_ranks(groups: Sequence[PrefixGroup], table: RequestTable) -> tuple[Ints, Ints]:
    """Return the group of each row, and its place when groups follow each other.

    Groups come by the answer tokens of their members over their prompt tokens, greatest first, so
    that decodes are there for the prompts of later groups to run beside.
    """
    shares = []
    for group in groups:
        rows = np.array(group.rows)
        answers = float(table.output_tokens[rows].sum())
        shares.append(answers / float(table.prompt_tokens[rows].sum()))
    order = sorted(range(len(groups)), key=lambda place: (-shares[place], groups[place].rows))
    ranks = np.zeros(len(table), dtype=np.int64)
    which = np.zeros(len(table), dtype=np.int64)
    rank = 0
    for place in order:
        for row in groups[place].rows:
            ranks[row] = rank
            which[row] = place
            rank += 1
    return which, ranks


@dataclass(frozen=True, slots=True)
class GroupOrder:
    """Groups one after the other.

    Parameters
    ----------
    ranks
        Place of each row of the table.
    """

    ranks: Ints
    name: str = "group-order"
    provenance: Provenance = "paper"
    steady: bool = True

    def key(self, request: Live, now: int) -> tuple[float, ...]:
        """Order by the place."""
        del now
        return (float(self.ranks[request.row]),)


@dataclass(slots=True)
class GroupBatch:
    """BatchLLM: chunks of prompts fill a budget of tokens beside all decodes, group by group.

    (arXiv 2412.03594, MLSys 2026.) While the first of a group computes the common prefix, the
    others wait, and requests of other groups go on. The number of requests is limited by memory.

    Parameters
    ----------
    groups
        Group of each row of the table.
    shares
        Which groups have a prefix in common.
    tokens
        Budget of an iteration. Decodes count, but are never held back by it.
    """

    groups: Ints
    shares: NDArray[np.bool_]
    tokens: int = BATCH_TOKENS
    name: str = "batchllm"
    provenance: Provenance = "paper"
    steady: bool = True
    begins: Begins = "first"
    _computing: dict[int, int] = field(init=False, repr=False, default_factory=dict)

    def fresh(self, instance: int) -> GroupBatch:
        """Return the same policy, with no prefix begun, for an instance."""
        del instance
        return GroupBatch(self.groups, self.shares, self.tokens, self.name, self.provenance)

    def compose(self, turn: Turn) -> None:
        """Decode, go on with started prompts, begin those whose prefix nobody is computing."""
        left = self.tokens - turn.decode()
        begun = {request.row for request in turn.prefilling}
        self._computing = {group: row for group, row in self._computing.items() if row in begun}
        for request in turn.prefilling:
            tokens = min(request.left, left)
            if tokens > 0:
                turn.prefill(request, tokens)
                left -= tokens
        while left > 0 and (begins := self._next(turn)) is not None:
            if turn.admit(begins) is None:
                break
            if not begins.done:
                self._computing[int(self.groups[begins.row])] = begins.row
            tokens = min(begins.left, left)
            turn.prefill(begins, tokens)
            left -= tokens

    def _next(self, turn: Turn) -> Live | None:
        """Return the first of the queue unless it waits for its group's prefix."""
        head = turn.head
        if head is None:
            return None
        group = int(self.groups[head.row])
        return None if self.shares[group] and group in self._computing else head
