"""KV blocks that instances lend each other, so that one long request starves no batch.

Infinite-LLM (arXiv 2401.02669) keeps blocks of a long request on other instances, which compute
their attention. An instance whose long requests leave it no memory (a debtor) then decodes more
short ones, and one with memory to spare (a creditor) gives some of its time. The tokens a second of
an instance depend on the blocks of long requests that it holds alone, so how to share them best is
one budget over tables of gains.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil

from scheduling.errors import Fault, InputError
from scheduling.models.allocation.problem import AllocationProblem, Claim
from scheduling.models.cost.protocol import Batch, CostModel

MILLITOKENS = 1000
"""Gains of :func:`sharing_problem` are thousandths of a token a second, rounded up."""


@dataclass(frozen=True, slots=True)
class Holder:
    """An instance and the requests that it decodes, or would decode if it had memory.

    Parameters
    ----------
    cost
        Times of its iterations.
    blocks
        Blocks of its memory.
    long_blocks
        Blocks of its long request; 0 when it has none.
    short_blocks
        Blocks of each of its other requests.
    shorts
        How many of these there are, running or waiting.
    block_size
        Tokens of a block.

    Raises
    ------
    InputError
        For figures out of range.
    """

    cost: CostModel
    blocks: int
    long_blocks: int
    short_blocks: int
    shorts: int
    block_size: int = 16

    def __post_init__(self) -> None:
        limits = {"blocks": 1, "long_blocks": 0, "short_blocks": 1, "shorts": 0, "block_size": 1}
        faults = [
            Fault(name, str(getattr(self, name)), f"at least {least}")
            for name, least in limits.items()
            if getattr(self, name) < least
        ]
        if self.long_blocks > self.blocks:
            found = f"{self.long_blocks} blocks"
            faults.append(Fault("long_blocks", found, f"at most {self.blocks}"))
        if faults:
            raise InputError(faults)

    def running(self, held: int) -> int:
        """Return the short requests that decode beside so many blocks of long ones."""
        return min(self.shorts, (self.blocks - held) // self.short_blocks)

    def batch(self, held: int) -> int:
        """Return all requests that decode here, its long one included."""
        return self.running(held) + (self.long_blocks > 0)

    def used(self, held: int) -> float:
        """Return the share of its memory in use."""
        return (self.running(held) * self.short_blocks + held) / self.blocks

    def rate(self, held: int) -> float:
        """Return its tokens a second while it holds so many blocks of long requests.

        Attention of blocks that it holds for others takes its time; the query and the partial
        result travel beside other work and take none.
        """
        batch = self.batch(held)
        if not batch:
            return 0.0
        context = (self.running(held) * self.short_blocks + held) * self.block_size
        return batch / self.cost.seconds(Batch.decode(batch, context))


def total_rate(holders: Sequence[Holder], held: Sequence[int]) -> float:
    """Return the tokens a second of all instances."""
    return sum(one.rate(blocks) for one, blocks in zip(holders, held, strict=True))


@dataclass(frozen=True, slots=True)
class Loan:
    """Blocks of a debtor's long request that a creditor holds from now on.

    Parameters
    ----------
    debtor, creditor
        Their places among the instances.
    blocks
        How many.
    gain
        Tokens a second that both together win.
    """

    debtor: int
    creditor: int
    blocks: int
    gain: float


def borrow(
    holders: Sequence[Holder], *, starved: int = 256, spare: float = 1.0
) -> tuple[list[int], list[Loan]]:
    """Lend blocks as Infinite-LLM's manager does, and return what each holds, and all loans.

    Debtors, instances with a long request and a batch below a threshold, come by the smallest
    batch; creditors, those whose memory is used at most to a threshold, by the most free memory.
    For each pair the number of blocks is sought that wins most for both together, and lent if that
    is anything; this is repeated until nobody gains.

    Parameters
    ----------
    holders
        The instances.
    starved
        Requests in a batch below which an instance is a debtor.
    spare
        Share of the memory in use up to which an instance is a creditor.
    """
    held = [one.long_blocks for one in holders]
    own = list(held)
    loans: list[Loan] = []
    lent = True
    while lent:
        lent = False
        places = range(len(holders))
        debtors = [i for i in places if own[i] and holders[i].batch(held[i]) < starved]
        for debtor in sorted(debtors, key=lambda i: (holders[i].batch(held[i]), i)):
            creditors = [i for i in places if i != debtor and holders[i].used(held[i]) <= spare]
            for creditor in sorted(creditors, key=lambda i: (_taken(holders[i], held[i]), i)):
                loan = _best(holders, held, own, debtor, creditor)
                if loan is None:
                    continue
                loans.append(loan)
                lent = True
                held[debtor] -= loan.blocks
                own[debtor] -= loan.blocks
                held[creditor] += loan.blocks
    return held, loans


def _taken(holder: Holder, held: int) -> int:
    """Return minus the blocks that are free."""
    return holder.running(held) * holder.short_blocks + held - holder.blocks


def _best(
    holders: Sequence[Holder], held: Sequence[int], own: Sequence[int], debtor: int, creditor: int
) -> Loan | None:
    giver, taker = holders[debtor], holders[creditor]
    before = giver.rate(held[debtor]) + taker.rate(held[creditor])
    best: Loan | None = None
    for blocks in range(1, min(own[debtor], taker.blocks - held[creditor]) + 1):
        after = giver.rate(held[debtor] - blocks) + taker.rate(held[creditor] + blocks)
        if after - before > (best.gain if best is not None else 1e-9 * before):
            best = Loan(debtor, creditor, blocks, after - before)
    return best


def sharing_problem(holders: Sequence[Holder]) -> AllocationProblem:
    """State how the blocks of all long requests are best held.

    Each instance claims memory for its own short requests, at most all; what is left must hold the
    long requests. Every loan of :func:`borrow` stays a solution, for any instance may hold any
    blocks of others.

    Parameters
    ----------
    holders
        The instances.
    """
    claims = tuple(
        Claim(
            id=f"instance {place}",
            gains=tuple(
                ceil(one.rate(one.blocks - room) * MILLITOKENS) for room in range(one.blocks + 1)
            ),
        )
        for place, one in enumerate(holders)
    )
    total = sum(one.blocks - one.long_blocks for one in holders)
    return AllocationProblem(name="infinite-llm", budget=total, claims=claims)
