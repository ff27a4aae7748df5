"""Who may begin, judged by the memory that the batch will need at its fullest."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from scheduling.simulator.requests.peak import Mode, holdings, peak_tokens
from scheduling.simulator.requests.policy import Provenance
from scheduling.simulator.requests.streams import stream

if TYPE_CHECKING:
    from scheduling.simulator.requests.live import Live
    from scheduling.simulator.requests.turn import Turn

Ints = NDArray[np.int64]

_MOST_LISTS = 5


def _fits(
    turn: Turn, request: Live, answers: Mapping[int, int], mode: Mode, reserve: float
) -> bool:
    """Tell whether the batch with the request stays within memory to its end.

    Blocks that are not full count as full, and one block stays free, without which no request
    decodes.
    """
    loose = turn.block_size - 1
    decoding = []
    for other in turn.decoding:
        tokens = turn.tokens(other)
        decoding.append((tokens - 1 + loose, other.prompt + answers[other.row] - tokens))
    beginning = [
        (other.target + loose, other.prompt + answers[other.row] - other.target)
        for other in (*turn.prefilling, request)
    ]
    room = (turn.capacity_blocks - 1) * turn.block_size * (1 - reserve)
    return peak_tokens(*holdings(decoding, beginning, mode)) <= room


def _blocks(turn: Turn, request: Live) -> int | None:
    blocks = -(-request.target // turn.block_size)
    return blocks if blocks <= turn.free_blocks else None


@dataclass(frozen=True, slots=True)
class KnownFuture:
    """Admission by the peak of memory, with the lengths of all answers known beforehand.

    The feasibility test of MC-SF (Jaillet et al., arXiv 2502.07115) and the oracle of Past-Future.
    For instances that serve whole requests. No request is ever evicted, except one that alone does
    not fit.

    Parameters
    ----------
    answers
        Tokens of the answer of each row of the table.
    mode
        How the composition runs prompts: whole ones together with decodes, or separately.
    """

    answers: Ints
    mode: Mode = "together"
    name: str = "known-future"
    provenance: Provenance = "paper"
    steady: bool = False
    grows: bool = True
    longest: int | None = None

    def grant(self, turn: Turn, request: Live) -> int | None:
        """Return the blocks of its prompt if nobody will have to give way; alone it begins."""
        blocks = _blocks(turn, request)
        if blocks is None or turn.empty:
            return blocks
        everyone = (*turn.decoding, *turn.prefilling, request)
        answers = {other.row: int(self.answers[other.row]) for other in everyone}
        return blocks if _fits(turn, request, answers, self.mode, 0.0) else None


@dataclass(slots=True)
class PastFuture:
    """Past-Future: admission by the peak of memory, with lengths drawn from those of late.

    Gong et al., ASPLOS 2025 (arXiv 2507.10150), and LightLLM's scheduler of January 2024. Lengths
    of running answers are drawn among those in the window that are longer than they are by now;
    where none is, the answer is taken to be of the greatest length. The worst of several draws
    decides. The released scheduler begins with half a window of greatest lengths, which stay until
    the window has been filled twice over; here each finished answer takes the place of one.
    For instances that serve whole requests.

    Parameters
    ----------
    mode
        How the composition runs prompts.
    reserve
        Share of the memory that is left for mistakes.
    window
        Finished answers that are remembered.
    longest_answer
        Tokens of the longest answer that the runtime allows.
    seed
        Seed of the draws.
    """

    mode: Mode = "separate"
    reserve: float = 0.05
    window: int = 200
    longest_answer: int = 2048
    seed: int = 0
    instance: int = 0
    name: str = "past-future"
    provenance: Provenance = "code with fix"
    steady: bool = False
    grows: bool = True
    longest: int | None = None
    _seen: deque[int] = field(init=False, repr=False)
    _sorted: Ints | None = field(init=False, repr=False, default=None)
    _draws: np.random.Generator = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self._seen = deque(maxlen=self.window)
        self._draws = stream(self.seed, f"past-future/{self.instance}")

    def fresh(self, instance: int) -> PastFuture:
        """Return the same policy, with nothing learned, for an instance."""
        return PastFuture(
            self.mode, self.reserve, self.window, self.longest_answer, self.seed, instance
        )

    def ended(self, request: Live, tokens: int) -> None:
        """Remember the length of an answer."""
        del request
        self._seen.append(tokens)
        self._sorted = None

    def grant(self, turn: Turn, request: Live) -> int | None:
        """Return the blocks of its prompt if the worst draw fits; alone it begins."""
        blocks = _blocks(turn, request)
        if blocks is None or turn.empty:
            return blocks
        everyone = [*turn.decoding, *turn.prefilling, request]
        made = [max(0, turn.tokens(other) - other.prompt) for other in everyone[:-1]]
        made.append(request.target - request.prompt)
        for _ in range(min(_MOST_LISTS, self.window // len(everyone) + 1)):
            drawn = self._lengths(made)
            answers = {other.row: length for other, length in zip(everyone, drawn, strict=True)}
            if not _fits(turn, request, answers, self.mode, self.reserve):
                return None
        return blocks

    def _lengths(self, made: Sequence[int]) -> list[int]:
        """Draw a length for each answer, longer than what is made of it."""
        if self._sorted is None:
            unseen = max(0, self.window // 2 - len(self._seen))
            seen_so_far = [*self._seen, *[self.longest_answer] * unseen]
            self._sorted = np.sort(np.asarray(seen_so_far, dtype=np.int64))
        seen = self._sorted
        least = np.asarray(made, dtype=np.int64)
        first = np.searchsorted(seen, least, side="right")
        among = len(seen) - first
        picks = first + (self._draws.random(len(least)) * among).astype(np.int64)
        drawn = seen[np.minimum(picks, len(seen) - 1)]
        long = np.maximum(self.longest_answer, least + 1)
        return [int(length) for length in np.where(among > 0, drawn, long)]
