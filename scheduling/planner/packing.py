"""How the prompts of a load share the iterations of a replica.

The requests of an iteration are spread over the stages of a pipeline and over copies of attention,
and the fullest of these groups sets its time: of ``n`` prompts over ``g`` groups it has
``ceil(n / g)``. Where lengths are spread ``n`` is often far from its mean, as the chunks of a long
prompt have iterations to themselves, and these are the ones whose tokens attend to most.

A replica that decodes as well begins a prompt when a place in its batch is free. Most iterations
then have few prompts or none, not a full chunk or none; each that has any is started kernel by
kernel, which may take longer than its work.
"""

from __future__ import annotations

from functools import cached_property, lru_cache
from math import ceil, log
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from scheduling.models.cost.protocol import Batch
from scheduling.models.requests.lengths import Lengths

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

_PROMPTS = 4096
_LEAST, _MOST = 512, 4096
"""Full iterations that are looked at."""

_ALONE = 0.25
"""Prompts that begin in an iteration below which they are alone in theirs about as often."""

_EVEN = 1.1
"""Factor within which the tokens of the fullest groups of full iterations count as one."""

_LARGE = 2.0
"""The same of others: what they have differs more, and does less."""


class Packed(NamedTuple):
    """Iterations that are about as even.

    Parameters
    ----------
    share
        Of all iterations, those without prompts included.
    batch
        The chunks of prompts in one of them, in the mean.
    """

    share: float
    batch: Batch


class _Cut(NamedTuple):
    """Iterations: new tokens, prompts, tokens before the new ones, and pairs of tokens."""

    new: Ints
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
    """Prompts one after the other, cut into the iterations that compute them.

    Lengths are those in the middle of equal shares of the requests, in a random order that is
    always the same; behind the last prompt the first one comes again.

    Parameters
    ----------
    prompt
        Tokens of a prompt.
    prefix_share
        Share of them whose KV is in the cache.
    """

    def __init__(self, prompt: Lengths, prefix_share: float) -> None:
        self._prompt, self._prefix_share = prompt, prefix_share
        reused = prompt.mean * prefix_share
        self._pairs = before(prompt.mean - reused, reused, prompt.scv) + 1 / 2
        self._packed: dict[tuple[int, int, float | None], list[Packed]] = {}

    @cached_property
    def _prompts(self) -> tuple[Ints, Ints]:
        """Return new and reused tokens of each prompt."""
        shares = ((row + 0.5) / _PROMPTS for row in range(_PROMPTS))
        lengths = np.rint([self._prompt.quantile(share) for share in shares])
        tokens = np.random.default_rng(0).permutation(np.maximum(1.0, lengths))
        reused = np.minimum(np.floor(tokens * self._prefix_share), tokens - 1)
        return (tokens - reused).astype(np.int64), reused.astype(np.int64)

    def packed(self, tokens: int, groups: int, begun: float | None = None) -> list[Packed]:
        """Return iterations of at most so many new tokens, by what the fullest of groups has.

        Parameters
        ----------
        tokens
            Most new tokens of an iteration.
        groups
            Over which its prompts are spread.
        begun
            Prompts that may begin with an iteration, in the mean; their number is Poisson. Default:
            there are always more.
        """
        key = tokens, groups, begun
        if key not in self._packed:
            ends = np.cumsum(self._prompts[0])
            if begun is None:
                begins = tokens * _spread(int(ends[-1] // tokens))
                edges, iterations, factor = (begins, begins + tokens), len(begins), _EVEN
            else:
                done = _done(ends, tokens, max(begun, _ALONE))
                some = np.flatnonzero(np.diff(done))
                edges, iterations, factor = (done[some], done[some + 1]), len(done) - 1, _LARGE
            cut = _cut(self._prompts, *edges)
            # The longest of all prompts are not in the stream, and attend to most.
            scale = self._pairs * cut.new.sum() / cut.pairs.sum()
            alike = _alike(cut._replace(pairs=cut.pairs * scale), groups, factor)
            share = 1.0 if begun is None else min(1.0, begun / _ALONE)
            self._packed[key] = [
                Packed(share * len(rows) / iterations, batch) for rows, batch in alike
            ]
        return self._packed[key]


@lru_cache(maxsize=64)
def stream_of(prompt: Lengths, prefix_share: float) -> Stream:
    """Return the stream of such prompts; those of the same lengths share what is known of it."""
    return Stream(prompt, prefix_share)


def _spread(count: int) -> Ints:
    """Return which iterations to look at where one lap of the stream has so many."""
    stride = max(1, count // _MOST)
    rows = np.arange(max(_LEAST, count // stride), dtype=np.int64) * stride
    # As lengths and iterations may have common measures, no whole step will do.
    return rows + np.random.default_rng(0).integers(0, stride, len(rows))


def _done(ends: Ints, tokens: int, begun: float) -> Ints:
    """Return the tokens of a stream that are computed before and after each iteration of a lap."""
    count = ceil(_PROMPTS / begun)
    come = np.minimum(np.cumsum(np.random.default_rng(0).poisson(begun, count)), _PROMPTS)
    asked = np.concatenate([[0], ends])[come]
    # What is done is what may have been done since the last iteration that left nothing over.
    most = np.arange(1, count + 1, dtype=np.int64) * tokens
    done = most + np.minimum(0, np.minimum.accumulate(asked - most))
    return np.concatenate([[0], done])


def _cut(prompts: tuple[Ints, Ints], begins: Ints, past: Ints) -> _Cut:
    """Return the parts of a stream between places in it."""
    new, reused = prompts
    ends = np.cumsum(new)
    prefixes = np.concatenate([[0], np.cumsum(reused)])
    whole = np.concatenate([[0.0], np.cumsum(new * (reused + (new + 1) / 2))])

    def at(places: Ints) -> tuple[Ints, Ints, Ints]:
        """Return laps, prompts and tokens of these that lie before places."""
        laps, rest = np.divmod(places, ends[-1])
        rows = np.searchsorted(ends, rest, side="right")
        return laps, rows, rest - (ends - new)[rows]

    def pairs(laps: Ints, rows: Ints, inside: Ints) -> Floats:
        begun = inside * (reused[rows] + (inside + 1) / 2)
        return np.asarray(laps * whole[-1] + whole[rows] + begun)

    laps, rows, inside = at(begins)
    last_laps, last_rows, last_inside = at(past - 1)
    return _Cut(
        past - begins,
        (last_laps - laps) * len(new) + last_rows - rows + 1,
        (last_laps - laps) * prefixes[-1] + prefixes[last_rows + 1] - prefixes[rows] + inside,
        pairs(last_laps, last_rows, last_inside + 1) - pairs(laps, rows, inside),
    )


def _alike(cut: _Cut, groups: int, factor: float) -> list[tuple[Ints, Batch]]:
    """Return iterations with those together whose fullest of some groups has about as much.

    ``factor``: within which tokens are about as much.
    """
    part = -(-cut.prompts // groups) / cut.prompts
    fullest = cut.new * part
    kinds = np.rint(np.log(fullest) / log(factor)).astype(np.int64)
    found = []
    for kind in np.unique(kinds):
        rows = np.flatnonzero(kinds == kind)
        # A number of prompts whose fullest group has about the part that theirs have in the mean.
        mean = fullest[rows].sum() / cut.new[rows].sum()
        near = rows[np.argmin(np.abs(part[rows] - mean))]
        prompts = int(cut.prompts[near])
        new, cached = round(cut.new[rows].mean()), round(cut.cached[rows].mean())
        found.append((rows, Batch(new, prompts, cached, float(cut.pairs[rows].mean()))))
    return found
