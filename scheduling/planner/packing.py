"""How the prompts of a load share iterations that are full of their chunks.

The requests of an iteration are spread over the stages of a pipeline and over copies of attention,
and the fullest of these groups sets its time: of ``n`` prompts over ``g`` groups it has
``ceil(n / g)``. Where lengths are spread ``n`` is often far from its mean, as the chunks of a long
prompt have iterations to themselves, and these are the ones whose tokens attend to most.
"""

from __future__ import annotations

from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from scheduling.models.cost.protocol import Batch
from scheduling.models.requests.workload import RequestClass

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

_PROMPTS = 4096
_LEAST, _MOST = 512, 4096
"""Iterations that are looked at."""

_ALIKE = 1.1
"""Factor within which parts of the fullest group count as one."""


class Packed(NamedTuple):
    """Iterations that are about as even.

    Parameters
    ----------
    share
        Of all iterations.
    batch
        The chunks of prompts in one of them, in the mean.
    """

    share: float
    batch: Batch


class _Cut(NamedTuple):
    """Iterations: their prompts, tokens before the new ones, and pairs of tokens."""

    prompts: Ints
    cached: Ints
    pairs: Floats


def before(new: float, reused: float, scv: float) -> float:
    """Return how many tokens are before a new one of its prompt, in the mean over new tokens.

    Long prompts bring more tokens than short ones, and each of these has more before it: where
    lengths have a squared variation, that much more than in a prompt of mean length.
    """
    return (reused + new / 2) * (1 + scv)


class Stream:
    """Prompts one after the other, cut into iterations of as many tokens each.

    Lengths are those in the middle of equal shares of the requests, in a random order that is
    always the same; behind the last prompt the first one comes again.

    Parameters
    ----------
    requests
        What the prompts are drawn from.
    """

    def __init__(self, requests: RequestClass) -> None:
        self._requests = requests
        prompt, new = requests.prompt, requests.computed_tokens
        self._pairs = before(new, prompt.mean - new, prompt.scv) + 1 / 2
        self._cuts: dict[int, _Cut] = {}
        self._packed: dict[tuple[int, int], list[Packed]] = {}

    @cached_property
    def _prompts(self) -> tuple[Ints, Ints]:
        """Return new and reused tokens of each prompt."""
        shares = ((row + 0.5) / _PROMPTS for row in range(_PROMPTS))
        lengths = np.rint([self._requests.prompt.quantile(share) for share in shares])
        tokens = np.random.default_rng(0).permutation(np.maximum(1.0, lengths))
        reused = np.minimum(np.floor(tokens * self._requests.prefix_share), tokens - 1)
        return (tokens - reused).astype(np.int64), reused.astype(np.int64)

    def _cut(self, tokens: int) -> _Cut:
        """Return iterations of so many new tokens, of which there are many in the stream."""
        new, reused = self._prompts
        ends = np.cumsum(new)
        prefixes = np.concatenate([[0], np.cumsum(reused)])
        whole = np.concatenate([[0.0], np.cumsum(new * (reused + (new + 1) / 2))])

        def at(places: Ints) -> tuple[Ints, Ints, Ints]:
            """Return laps, prompts and tokens of these that lie before places in the stream."""
            laps, rest = np.divmod(places, ends[-1])
            rows = np.searchsorted(ends, rest, side="right")
            return laps, rows, rest - (ends - new)[rows]

        def pairs(laps: Ints, rows: Ints, inside: Ints) -> Floats:
            begun = inside * (reused[rows] + (inside + 1) / 2)
            return np.asarray(laps * whole[-1] + whole[rows] + begun)

        begins = tokens * _spread(int(ends[-1] // tokens))
        laps, rows, inside = at(begins)
        last_laps, last_rows, last_inside = at(begins + tokens - 1)
        prompts = (last_laps - laps) * _PROMPTS + last_rows - rows + 1
        cached = (last_laps - laps) * prefixes[-1] + prefixes[last_rows + 1] - prefixes[rows]
        paired = pairs(last_laps, last_rows, last_inside + 1) - pairs(laps, rows, inside)
        # The longest of all prompts are not among those of the stream, and attend to most.
        return _Cut(prompts, cached + inside, paired * (tokens * self._pairs / paired.mean()))

    def packed(self, tokens: int, groups: int) -> list[Packed]:
        """Return the iterations of so many new tokens, by how even they are over some groups."""
        key = tokens, groups
        if key not in self._packed:
            if tokens not in self._cuts:
                self._cuts[tokens] = self._cut(tokens)
            self._packed[key] = _alike(tokens, self._cuts[tokens], groups)
        return self._packed[key]


def _spread(count: int) -> Ints:
    """Return which iterations to look at where one lap of the stream has so many."""
    stride = max(1, count // _MOST)
    rows = np.arange(max(_LEAST, count // stride), dtype=np.int64) * stride
    # As lengths and iterations may have common measures, no whole step will do.
    return rows + np.random.default_rng(0).integers(0, stride, len(rows))


def _alike(tokens: int, cut: _Cut, groups: int) -> list[Packed]:
    """Return iterations with those together whose fullest of some groups has about as much."""
    prompts, cached, pairs = cut
    fullest = -(-prompts // groups) / prompts
    kinds = np.rint(np.log(fullest) / np.log(_ALIKE)).astype(np.int64)
    found = []
    for kind in np.unique(kinds):
        rows = np.flatnonzero(kinds == kind)
        # A number of prompts whose fullest group has about as much as theirs have in the mean.
        near = rows[np.argmin(np.abs(fullest[rows] - fullest[rows].mean()))]
        batch = Batch(
            tokens, int(prompts[near]), round(cached[rows].mean()), float(pairs[rows].mean())
        )
        found.append(Packed(len(rows) / len(prompts), batch))
    return found
