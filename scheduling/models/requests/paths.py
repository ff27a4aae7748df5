"""What prompts consist of, as far as caches can tell: streams of tokens that prompts share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from scheduling.errors import Fault, InputError
from scheduling.models.requests.blocks import Blocks

Ints = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Paths:
    """The streams that each prompt of a table runs through, from its head on.

    A stream is a text that can only grow: a system prompt, the history of a conversation, a block.
    Its number stands for its tokens together with everything before them, so that prompts that run
    through the same streams up to some token are equal up to it. The answer goes on with the last
    stream of its prompt.

    Parameters
    ----------
    streams
        Numbers of the streams from 0, request after request.
    ends
        Token of the prompt, counted from its head, at which it leaves each of them; the last end is
        the prompt's length.
    starts
        Where the streams of each request start, with the end of the last one behind: shape
        (requests + 1,).

    Raises
    ------
    InputError
        When ends do not ascend, or a stream stands behind different ones.
    """

    streams: Ints
    ends: Ints
    starts: Ints

    def __post_init__(self) -> None:
        heads = np.zeros(len(self.streams), dtype=np.bool_)
        heads[self.starts[:-1][np.diff(self.starts) > 0]] = True
        before = np.where(heads, 0, np.roll(self.ends, 1))
        faults = []
        if (late := np.flatnonzero(self.ends <= before)).size:
            at = int(late[0])
            faults.append(Fault(f"ends[{at}]", str(self.ends[at]), f"more than {before[at]}"))
        above = np.where(heads, -1, np.roll(self.streams, 1))
        first = np.unique(self.streams, return_index=True, return_inverse=True)
        usual = first[1][first[2]]
        odd = np.flatnonzero((above != above[usual]) | (before != before[usual]))
        if odd.size:
            at = int(odd[0])
            found = f"stream {self.streams[at]} behind other tokens than before"
            faults.append(Fault(f"streams[{at}]", found, "always the same tokens before"))
        if faults:
            raise InputError(faults)

    @classmethod
    def of(cls, prompts: Sequence[Sequence[tuple[int, int]]]) -> Paths:
        """Put together the paths of prompts, each a row of streams with their ends."""
        sizes = [len(prompt) for prompt in prompts]
        pairs = np.array([pair for prompt in prompts for pair in prompt], dtype=np.int64)
        pairs = pairs.reshape(-1, 2)
        starts = np.concatenate(([0], np.cumsum(sizes, dtype=np.int64)))
        return cls(pairs[:, 0], pairs[:, 1], starts)

    @classmethod
    def of_blocks(cls, blocks: Blocks, prompt_tokens: Ints) -> Paths:
        """Take the blocks of prompts for streams; of repeated numbers the first counts.

        What a prompt has behind its blocks is its own.

        Raises
        ------
        InputError
            When a block stands behind different ones.
        """
        prompts = []
        known: dict[int, tuple[int, int | None]] = {}
        count = 0
        for row in range(len(prompt_tokens)):
            length = int(prompt_tokens[row])
            most = max(1, -(-length // blocks.tokens))
            path: list[tuple[int, int]] = []
            before: int | None = None
            for number in islice(dict.fromkeys(blocks.of(row).tolist()), most):
                stream, usual = known.setdefault(number, (count, before))
                count += stream == count
                if before != usual:
                    found = f"block {number} behind {_named(before)}"
                    expected = f"behind {_named(usual)}, as before: it stands for all up to it"
                    raise InputError.single(f"blocks of request {row}", found, expected)
                path.append((stream, min(blocks.tokens * (len(path) + 1), length)))
                before = number
            if path and path[-1][1] < length:
                path.append((count, length))
                count += 1
            prompts.append(path)
        return cls.of(prompts)

    def row(self, row: int) -> list[tuple[int, int]]:
        """Return the streams of one prompt with their ends."""
        part = slice(int(self.starts[row]), int(self.starts[row + 1]))
        return list(zip(self.streams[part].tolist(), self.ends[part].tolist(), strict=True))


def _named(block: int | None) -> str:
    return "the head of a prompt" if block is None else f"block {block}"
