"""How much KV memory a batch will need at its fullest."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

Mode = Literal["together", "separate"]
"""Whether prompts run in one batch with decodes, or in batches of their own while decodes wait."""


def peak_tokens(tokens: ArrayLike, left: ArrayLike) -> int:
    """Return the most tokens that requests hold at a time if all grow by one in each iteration.

    ``max over k of (sum of the first k a_i) + k b_k``, the requests in descending order of ``b``:
    a peak can only be where a request is about to end (Past-Future, ASPLOS 2025, arXiv 2507.10150).

    Parameters
    ----------
    tokens
        Tokens ``a`` that each holds now.
    left
        Iterations ``b`` from now that each goes on, at least 0.
    """
    held = np.asarray(tokens, dtype=np.int64)
    last = np.asarray(left, dtype=np.int64)
    order = np.argsort(-last, kind="stable")
    sums = np.cumsum(held[order]) + np.arange(1, len(order) + 1) * last[order]
    return int(sums.max(initial=0))


def holdings(
    decoding: Iterable[tuple[int, int]], beginning: Iterable[tuple[int, int]], mode: Mode
) -> tuple[list[int], list[int]]:
    """Return the arguments of :func:`peak_tokens` for requests whose prompts run in a mode.

    Prompts that run together with decodes fill their memory in an iteration in which the others
    grow too, and end an iteration later. Prompts in batches of their own do so while the others
    stand still, and their first token is made by then.

    Parameters
    ----------
    decoding
        KV tokens and tokens of the answer to come of requests that decode.
    beginning
        Tokens of the prompt, and of the whole answer, of requests whose prompt is to be computed.
    mode
        How it is.
    """
    rows = list(decoding)
    rows += [
        (prompt - 1, answer) if mode == "together" else (prompt, answer - 1)
        for prompt, answer in beginning
    ]
    return [held for held, _ in rows], [left for _, left in rows]
