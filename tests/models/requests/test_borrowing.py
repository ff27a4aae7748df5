"""Loans of KV blocks: each gains, nothing is lost, and no sharing beats the bound."""

from __future__ import annotations

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scheduling.errors import InputError
from scheduling.models.cost.protocol import Affine
from scheduling.models.requests.borrowing import (
    MILLITOKENS,
    Holder,
    borrow,
    sharing_problem,
    total_rate,
)
from tests.properties import examples
from tests.solving import solve

COST = Affine(base=0.01, per_token=1e-4, per_kv=1e-5)


@st.composite
def fleets(draw: st.DrawFn, most: int = 4) -> list[Holder]:
    blocks = draw(st.integers(4, 9))
    return [
        Holder(
            COST,
            blocks,
            long_blocks=draw(st.integers(0, blocks)),
            short_blocks=draw(st.integers(1, 3)),
            shorts=draw(st.integers(0, 12)),
        )
        for _ in range(draw(st.integers(1, most)))
    ]


@given(holders=fleets())
@examples(60)
def test_every_loan_gains_and_keeps_all_blocks(holders: list[Holder]) -> None:
    held, loans = borrow(holders)
    before = [one.long_blocks for one in holders]
    assert sum(held) == sum(before)
    assert all(0 <= have <= one.blocks for have, one in zip(held, holders, strict=True))
    rate, now = total_rate(holders, before), list(before)
    for loan in loans:
        now[loan.debtor] -= loan.blocks
        now[loan.creditor] += loan.blocks
        after = total_rate(holders, now)
        assert loan.gain > 0
        assert after == pytest.approx(rate + loan.gain)
        rate = after
    assert now == held


@given(holders=fleets(most=3))
@examples(30)
def test_the_bound_is_the_best_of_all_sharings(holders: list[Holder]) -> None:
    total = sum(one.long_blocks for one in holders)
    best = max(
        total_rate(holders, held)
        for held in product(*(range(one.blocks + 1) for one in holders))
        if sum(held) == total
    )
    answer = solve(sharing_problem(holders), "dynamic-program")
    assert answer.status == "optimal"
    # Gains are rounded up to whole thousandths.
    assert best - 1e-9 <= answer.objective / MILLITOKENS <= best + len(holders) / MILLITOKENS
    assert total_rate(holders, borrow(holders)[0]) <= best + 1e-9


def test_full_instances_lend_nothing_below_the_threshold() -> None:
    full = Holder(COST, 10, 0, 1, 10)
    starved = Holder(COST, 10, 9, 1, 10)
    assert borrow([starved, full], spare=0.9) == ([9, 0], [])
    assert borrow([starved, full], starved=1) == ([9, 0], [])


def test_holders_out_of_range_are_refused() -> None:
    with pytest.raises(InputError, match="long_blocks"):
        Holder(COST, 10, 11, 1, 1)
    with pytest.raises(InputError, match="short_blocks"):
        Holder(COST, 10, 1, 0, 1)
