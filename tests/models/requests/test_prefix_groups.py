"""Groups of prompts by a common prefix, against every choice of groups."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scheduling.errors import InputError
from scheduling.models.requests.blocks import Blocks
from scheduling.models.requests.paths import Paths
from scheduling.models.requests.prefix_groups import prefix_groups, saved_tokens


def shared(one: list[tuple[int, int]], other: list[tuple[int, int]]) -> int:
    """Return the tokens that two prompts begin with in common."""
    tokens = 0
    for (stream, end), (with_stream, with_end) in zip(one, other, strict=False):
        if stream != with_stream:
            break
        tokens = min(end, with_end)
        if end != with_end:
            break
    return tokens


def most(prompts: list[list[tuple[int, int]]]) -> int:
    """Return the most that streams save of which none stands behind another.

    All prompts through such a stream share the way to it; all sets of streams are tried.
    """
    passing: dict[int, list[int]] = {}
    above: dict[int, set[int]] = {}
    for prompt in prompts:
        before: set[int] = set()
        for stream, end in prompt:
            passing.setdefault(stream, []).append(end)
            above[stream] = set(before)
            before.add(stream)
    best = 0
    for size in range(len(passing) + 1):
        for chosen in combinations(passing, size):
            if any(above[stream] & set(chosen) for stream in chosen):
                continue
            saved = sum((len(passing[one]) - 1) * min(passing[one]) for one in chosen)
            best = max(best, saved)
    return best


@st.composite
def trees(draw: st.DrawFn) -> list[list[tuple[int, int]]]:
    """Draw prompts of up to three streams, of which some are common."""
    numbers: dict[tuple[int, ...], int] = {}
    prompts = []
    for _ in range(draw(st.integers(1, 10))):
        turns = draw(st.lists(st.integers(0, 1), min_size=1, max_size=3))
        prompt, tokens = [], 0
        for level in range(len(turns)):
            key = tuple(turns[: level + 1])
            stream = numbers.setdefault(key, len(numbers))
            # What a stream is long is fixed by its number, but for the last of a prompt.
            tokens += 1 + sum(key) + level
            prompt.append((stream, tokens))
        prompts.append(prompt)
    return prompts


@given(trees())
def test_no_choice_of_groups_saves_more(prompts: list[list[tuple[int, int]]]) -> None:
    groups = prefix_groups(Paths.of(prompts), len(prompts))
    assert sorted(row for group in groups for row in group.rows) == list(range(len(prompts)))
    assert saved_tokens(groups) == most(prompts)
    for group in groups:
        for row in group.rows[1:]:
            assert shared(prompts[group.rows[0]], prompts[row]) >= group.tokens


def test_the_benchmark_saves_what_the_formula_says() -> None:
    groups, degree, common, own = 40, 16, 2000, 200
    prompts = [
        [(row // degree, common), (groups + row, common + own)] for row in range(groups * degree)
    ]
    found = saved_tokens(prefix_groups(Paths.of(prompts), len(prompts)))
    assert found / (len(prompts) * (common + own)) == 1 - (common / degree + own) / (common + own)


def test_a_small_prefix_of_many_may_beat_long_ones_of_few() -> None:
    # Ten share 10 tokens, pairs of them 12: together 90 saved, in pairs only 60.
    prompts = [[(0, 10), (1 + row // 2, 12), (10 + row, 20)] for row in range(10)]
    (group,) = prefix_groups(Paths.of(prompts), 10)
    assert (group.tokens, group.saved) == (10, 90)
    long = [[(0, 10), (1 + row // 2, 40), (10 + row, 50)] for row in range(10)]
    assert [one.tokens for one in prefix_groups(Paths.of(long), 10)] == [40] * 5


def test_what_stands_behind_the_blocks_of_a_prompt_is_its_own() -> None:
    blocks = Blocks(16, np.array([7, 8, 7, 8]), np.array([0, 2, 4]))
    paths = Paths.of_blocks(blocks, np.array([50, 40]))
    assert [paths.row(row) for row in (0, 1)] == [
        [(0, 16), (1, 32), (2, 50)],
        [(0, 16), (1, 32), (3, 40)],
    ]


def test_blocks_behind_different_ones_are_named() -> None:
    blocks = Blocks(16, np.array([7, 8, 9, 8]), np.array([0, 2, 4]))
    message = r"blocks of request 1: found block 8 behind block 9, expected behind block 7"
    with pytest.raises(InputError, match=message):
        Paths.of_blocks(blocks, np.array([32, 32]))


def test_prompts_without_streams_stand_alone() -> None:
    blocks = Blocks(16, np.array([7, 8, 7, 9]), np.array([0, 2, 4, 4]))
    groups = prefix_groups(Paths.of_blocks(blocks, np.array([32, 30, 5])), 3)
    assert [(one.tokens, one.rows) for one in groups] == [(16, (0, 1)), (0, (2,))]
