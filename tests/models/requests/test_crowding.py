"""Requests on one replica: the bound by what they cost each other, against all schedules."""

from __future__ import annotations

from functools import cache
from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scheduling.models.cost.protocol import Affine, Minorant
from scheduling.models.requests.crowding import crowded_sum
from scheduling.models.requests.needs import works
from scheduling.models.requests.table import RequestTable
from tests.properties import examples
from tests.serving_runs import table

_MS = 10**6


def least_sum(requests: RequestTable, cost: Minorant) -> float:
    """Return the least sum of seconds to the last tokens, by trying every batch and every wait.

    In each iteration every request that is there computes none, some or all of what is left of its
    prompt, or decodes a token, or does nothing.
    """
    release = (requests.arrival_ns / 1e9).tolist()
    prompts, answers = requests.prompt_tokens.tolist(), requests.output_tokens.tolist()
    ends = [prompt + answer for prompt, answer in zip(prompts, answers, strict=True)]

    @cache
    def rest(now: float, done: tuple[int, ...]) -> float:
        """Return the least seconds from now on, waiting requests counted as they are there."""
        left = [row for row, tokens in enumerate(done) if tokens < ends[row]]
        if not left:
            return 0.0
        there = [row for row in left if release[row] <= now]
        coming = [release[row] for row in left if release[row] > now]
        best = float("inf")
        if coming:
            until = min(coming)
            best = len(there) * (until - now) + rest(until, done)
        for chunks in product(*(_chunks(done[row], prompts[row]) for row in there)):
            if not any(chunks):
                continue
            after = list(done)
            seconds = cost.base
            for row, count in zip(there, chunks, strict=True):
                after[row] += count
                if done[row] < prompts[row]:
                    pairs = count * (done[row] + (count + 1) / 2)
                    seconds += cost.new * count + cost.cached * done[row] + cost.pair * pairs
                    # The end of the prompt makes the first token.
                    after[row] += after[row] == prompts[row]
                elif count:
                    seconds += cost.decode + cost.context * done[row]
            end = now + seconds
            waited = sum(min(seconds, max(0.0, end - release[row])) for row in left)
            best = min(best, waited + rest(end, tuple(after)))
        return best

    return rest(min(release), (0,) * len(ends))


def _chunks(done: int, prompt: int) -> range:
    return range(prompt - done + 1) if done < prompt else range(2)


COSTS = st.builds(
    Affine,
    base=st.sampled_from([0.0, 1e-3, 1e-2]),
    per_token=st.sampled_from([1e-4, 3e-3, 2e-2]),
    per_kv=st.sampled_from([0.0, 1e-3]),
    per_pair=st.sampled_from([0.0, 1e-3]),
)


@st.composite
def few(draw: st.DrawFn) -> RequestTable:
    """Draw up to three short requests that come shortly after each other."""
    count = draw(st.integers(1, 3))
    gaps = [draw(st.sampled_from([0, 1, 5, 11, 30])) * _MS for _ in range(count)]
    prompts = [draw(st.integers(1, 2)) for _ in range(count)]
    answers = [draw(st.integers(1, 3)) for _ in range(count)]
    return table(np.cumsum(gaps), prompts, answers)


def bound(requests: RequestTable, cost: Minorant) -> float:
    """Return the bound of the sum."""
    release = requests.arrival_ns / 1e9
    return crowded_sum(release, works(requests, cost), cost.base)


@given(requests=few(), cost=COSTS)
@examples(150)
def test_no_schedule_on_one_replica_beats_the_bound(requests: RequestTable, cost: Affine) -> None:
    assert bound(requests, cost.form()) <= least_sum(requests, cost.form()) + 1e-9


def test_of_a_long_answer_and_a_prompt_that_comes_behind_it_one_waits_for_the_other() -> None:
    cost = Minorant(base=0.01, new=0.004, decode=0.0)
    requests = table([0, 20 * _MS], [1, 1], [40, 1])
    alone = (0.4 + 0.004) + (0.01 + 0.004)
    assert bound(requests, cost) == pytest.approx(alone + 0.004, rel=1e-3)


def test_later_tokens_hold_up_those_that_came_before_and_behind() -> None:
    cost = Minorant(base=0.01, new=0.001, decode=0.001)
    requests = table([0] * 10, [1] * 10, [80] * 10)
    together = 10 * 80 * (0.01 + 10 * 0.001)
    assert 0.9 * together <= bound(requests, cost) <= together + 1e-9


def test_requests_that_do_not_meet_cost_each_other_nothing() -> None:
    cost = Minorant(base=0.01, new=0.001, decode=0.002)
    requests = table([0, 1000 * _MS], [10, 10], [5, 5])
    assert bound(requests, cost) == pytest.approx(2 * (5 * 0.01 + 10 * 0.001 + 4 * 0.002))
