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

    def grant(self, turn: Turn, request: Live) -> int | None:
        """Return the blocks of its prompt, cached tokens too, if that leaves the watermark free."""
        blocks = -(-request.target // turn.block_size)
        left = turn.free_blocks - blocks
        if left >= int(self.share * turn.capacity_blocks) or (left >= 0 and turn.empty):
            return blocks
        return None


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

    def grant(self, turn: Turn, request: Live) -> int | None:
        """Return the blocks of the longest sequence if so many are free."""
        del request
        blocks = -(-self.longest // turn.block_size)
        return blocks if blocks <= turn.free_blocks else None
