"""What goes into the next batch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from scheduling.simulator.requests.policy import Begins, Provenance

if TYPE_CHECKING:
    from scheduling.simulator.requests.turn import Turn


@dataclass(frozen=True, slots=True)
class Sarathi:
    """Sarathi-Serve: decodes first, prompts in chunks fill up a budget of tokens.

    Agrawal et al., OSDI 2024, and its scheduler in Vidur.

    Parameters
    ----------
    tokens
        Budget of an iteration. Decodes count, but are never held back by it.
    """

    tokens: int = 512
    name: str = "sarathi"
    provenance: Provenance = "code"
    steady: bool = True
    begins: Begins = "first"

    def compose(self, turn: Turn) -> None:
        """Decode, go on with started prompts, begin new ones while tokens are left."""
        left = self.tokens - turn.decode()
        for request in turn.prefilling:
            tokens = turn.fill(request, left)
            if not tokens:
                break
            left -= tokens
        while left > 0 and turn.waiting:
            admitted = turn.admit()
            if admitted is None:
                break
            left -= turn.fill(admitted, left)
        if left <= 0 and len(turn.chunks) == 1:
            turn.repeats = True


@dataclass(frozen=True, slots=True)
class PrefillFirst:
    """vLLM before chunked prefill: whole prompts alone while any may begin, else all decode.

    Kwon et al., SOSP 2023, and its scheduler in Vidur: the limit of a batch of prompts counts
    padded tokens, requests times the longest.

    Parameters
    ----------
    tokens
        That limit. A single prompt beyond it runs alone.
    padded
        Count padded tokens; otherwise those of the prompts, as later releases and Splitwise do.
    """

    tokens: int = 4096
    padded: bool = True
    name: str = "vllm"
    provenance: Provenance = "code with fix"
    steady: bool = True
    begins: Begins = "first"

    def compose(self, turn: Turn) -> None:
        """Begin prompts; without any, decode."""
        longest = total = 0
        while (head := turn.head) is not None:
            tokens = head.left
            if tokens > longest:
                longest = tokens
            total += tokens
            count = len(turn.chunks) + 1
            size = count * longest if self.padded else total
            if (count > 1 and size > self.tokens) or turn.admit() is None:
                break
            turn.prefill(head, tokens)
        if not turn.chunks:
            turn.decode()


@dataclass(frozen=True, slots=True)
class Orca:
    """Orca: iteration-level batches of decodes and whole prompts. Yu et al., OSDI 2022."""

    name: str = "orca"
    provenance: Provenance = "code"
    steady: bool = True
    begins: Begins = "first"

    def compose(self, turn: Turn) -> None:
        """Decode, and begin every prompt that is admitted."""
        turn.decode()
        while (request := turn.admit()) is not None:
            turn.prefill(request, request.left)
