"""dLLM-Serve: answers of diffusion models, whose steps are heavy at the start of a block."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from scheduling.models.cost.protocol import Batch
from scheduling.simulator.requests.parts import Part
from scheduling.simulator.requests.policy import Begins, Provenance

if TYPE_CHECKING:
    from scheduling.simulator.requests.live import Live
    from scheduling.simulator.requests.turn import Turn

STEP_TOKENS = 16_384


@dataclass(frozen=True, slots=True)
class DllmServe:
    """dLLM-Serve: requests join a denoising step while the tokens that it computes fit a budget.

    (arXiv 2512.17077, and the released scheduler.) An answer, whose length is set beforehand, is
    made in blocks of a fixed size, one step a token. The first two steps of a block compute the
    whole sequence, one to refresh it and one to store its keys and values; the others compute the
    block alone and read what is stored. Running requests come before waiting ones, each in order of
    arrival, and the first that does not fit ends the step. Nothing of an answer is out before its
    last step, so that the time to the first token is that of the whole.

    Parameters
    ----------
    tokens
        Most tokens that a step computes; a single longer sequence runs alone.
    block
        Tokens of a block.
    heavy_steps
        Steps at the start of a block that compute the whole sequence.
    aware
        Count what a step computes; otherwise every step counts as heavy, as without phases.
    skips
        Go on behind a request that does not fit.
    """

    tokens: int = STEP_TOKENS
    block: int = 32
    heavy_steps: int = 2
    aware: bool = True
    skips: bool = False
    name: str = "dllm-serve"
    provenance: Provenance = "code"
    steady: bool = True
    begins: Begins = "first"

    def compose(self, turn: Turn) -> None:
        """Pack the next step."""
        left = self.tokens
        computed: list[int] = []
        for request in turn.prefilling:
            counted = self.counted(request)
            if counted > left and computed:
                if self.skips:
                    continue
                break
            left -= counted
            computed.append(self._step(turn, request))
        else:
            while (head := turn.head) is not None:
                turn.answer_at_once(head)
                if (head.target > left and computed) or turn.admit() is None:
                    break
                left -= head.target
                computed.append(self._step(turn, head))
        if computed:
            turn.part = Part(turn.cost.seconds(self._batch(turn, computed)))

    def computed(self, request: Live) -> int:
        """Return the tokens that a request's next step computes."""
        step = request.done - request.cached
        if step % self.block < self.heavy_steps:
            return request.target
        return min(self.block, request.target)

    def counted(self, request: Live) -> int:
        """Return the tokens that it counts in the budget."""
        return self.computed(request) if self.aware else request.target

    def _step(self, turn: Turn, request: Live) -> int:
        """Add a request's next step, the last of which brings all that is left."""
        computed = self.computed(request)
        answer = request.target + 1 - request.prompt
        last = request.done - request.cached + 1 >= answer
        turn.prefill(request, request.left if last else 1)
        return computed

    def _batch(self, turn: Turn, computed: list[int]) -> Batch:
        """Return the work of a step: every computed token attends to the whole sequence."""
        targets = [request.target for request, _ in turn.chunks]
        pairs = sum(target * tokens for target, tokens in zip(targets, computed, strict=True))
        return Batch(sum(computed), len(computed), sum(targets), float(pairs))
