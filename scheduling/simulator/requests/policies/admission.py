"""Who may begin."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from scheduling.simulator.requests.policy import Provenance

if TYPE_CHECKING:
    from scheduling.simulator.requests.live import Live
    from scheduling.simulator.requests.turn import Turn


@dataclass(frozen=True, slots=True)
class Watermark:
    """vLLM: memory for the whole prompt, while a share of all blocks stays free.

    The released scheduler lets a request wait for ever whose prompt fits only below the watermark;
    here an empty instance takes it.

    Parameters
    ----------
    share
        Share of the blocks, from 0 to 1, that the newcomer must leave free.
    """

    share: float = 0.01
    name: str = "watermark"
    provenance: Provenance = "code with fix"
    steady: bool = True
    grows: bool = True
    longest: int | None = None

    def admits(self, turn: Turn, request: Live) -> bool:
        """Tell whether its prompt leaves the watermark free."""
        left = turn.free_blocks - self.blocks(turn, request)
        return left >= int(self.share * turn.capacity_blocks) or (left >= 0 and turn.empty)

    def blocks(self, turn: Turn, request: Live) -> int:
        """Return the blocks of its prompt, the prefix that was cached included."""
        return -(-request.target // turn.block_size)


@dataclass(frozen=True, slots=True)
class Reserve:
    """Orca and static batching: memory for the longest sequence, so nobody is ever evicted.

    Parameters
    ----------
    longest
        Tokens of the longest sequence, prompt and answer together.
    """

    longest: int
    name: str = "reserve"
    provenance: Provenance = "paper"
    steady: bool = True
    grows: bool = False

    def admits(self, turn: Turn, request: Live) -> bool:
        """Tell whether so much is free."""
        return self.blocks(turn, request) <= turn.free_blocks

    def blocks(self, turn: Turn, request: Live) -> int:
        """Return the blocks of the longest sequence."""
        del request
        return -(-self.longest // turn.block_size)
