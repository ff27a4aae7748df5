"""Layered prefill: prompts pass one group of layers an iteration, beside all decodes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from scheduling.models.cost.protocol import Batch
from scheduling.simulator.requests.parts import Chunks, Cohort, Part
from scheduling.simulator.requests.policy import Begins, Provenance

if TYPE_CHECKING:
    from scheduling.simulator.requests.turn import Turn

GROUP_TOKENS = 512
COHORT_TOKENS = 8192

_BUCKETS = ((512, 1), (1024, 2), (2048, 4), (4096, 8))
_MOST_STAGES = 16


def groups_by_length(tokens: int, per_group: int = GROUP_TOKENS) -> int:
    """Return the groups of layers for a cohort: ``max(1, ceil(tokens / per_group))``.

    So an iteration computes about as much of the prompts as a chunk of ``per_group`` tokens.
    """
    return max(1, -(-tokens // per_group))


def released_groups(tokens: int) -> int:
    """Return the groups of the released scheduler, for 16 stages: powers of two by length."""
    return next((count for most, count in _BUCKETS if tokens <= most), _MOST_STAGES)


@dataclass(slots=True)
class LayeredPrefill:
    """Layered prefill: a cohort of whole prompts passes the layers group by group.

    (arXiv 2510.08055, MLSys 2026.) Every iteration takes all decodes through all layers, and the
    cohort through the next group of layers only; a new cohort forms when the last group is done.
    So each layer's weights, such as its experts, are read once for a prompt, not once a chunk.
    Layers are taken to be equal: an iteration takes the share of the layers times that of the whole
    mixed batch, and the rest times that of the decodes alone. A prompt longer than a cohort passes
    in several.

    Parameters
    ----------
    groups
        Groups of layers for the tokens of a cohort; default: :func:`groups_by_length`.
    cohort_tokens
        Most prompt tokens of a cohort.
    """

    groups: Callable[[int], int] = groups_by_length
    cohort_tokens: int = COHORT_TOKENS
    name: str = "layered-prefill"
    provenance: Provenance = "paper"
    steady: bool = True
    begins: Begins = "first"
    _cohort: Cohort = field(init=False, repr=False, default_factory=lambda: Cohort(()))
    _of: int = field(init=False, repr=False, default=1)
    _left: int = field(init=False, repr=False, default=0)

    def fresh(self, instance: int) -> LayeredPrefill:
        """Return the same policy, with no cohort on its way, for an instance."""
        del instance
        return LayeredPrefill(self.groups, self.cohort_tokens, self.name, self.provenance)

    def compose(self, turn: Turn) -> None:
        """Decode, and take the cohort through its next group."""
        decodes = turn.decode()
        chunks = self._cohort.chunks if self._left else []
        if not chunks:
            chunks = self._form(turn)
        if not chunks:
            return
        turn.chunks[:] = chunks
        self._left -= 1
        if self._of == 1:
            return
        batch = turn.batch
        share = 1 / self._of
        seconds = turn.cost.seconds(batch) * share
        if decodes:
            alone = Batch.decode(decodes, batch.context_tokens)
            seconds += turn.cost.seconds(alone) * (1 - share)
        turn.part = Part(seconds, finishes=not self._left, share=share)

    def _form(self, turn: Turn) -> Chunks:
        """Form a cohort of those at the head of the queue that fit together."""
        room = self.cohort_tokens
        for request in turn.prefilling:
            if room > 0:
                turn.prefill(request, min(request.left, room))
                room -= request.left
        while (head := turn.head) is not None and room > 0:
            if (turn.chunks and head.left > room) or turn.admit() is None:
                break
            turn.prefill(head, min(head.left, room))
            room -= head.left
        self._cohort = Cohort(turn.chunks)
        self._of = self._left = self.groups(sum(tokens for _, tokens in turn.chunks))
        return turn.chunks
