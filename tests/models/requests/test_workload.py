"""Drawn requests have the moments that the formulas of their distributions say."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from scheduling.errors import InputError
from scheduling.models.requests.arrivals import (
    Arrivals,
    GammaArrivals,
    OnOffArrivals,
    PoissonArrivals,
)
from scheduling.models.requests.lengths import (
    EmpiricalLength,
    FixedLength,
    Lengths,
    LognormalLength,
    UniformLength,
)
from scheduling.models.requests.workload import RequestClass, Workload, sample

DRAWS = 200_000

lengths: st.SearchStrategy[Lengths] = st.one_of(
    st.builds(FixedLength, tokens=st.integers(1, 5000)),
    st.builds(
        lambda low, more: UniformLength(low=low, high=low + more),
        st.integers(1, 5000),
        st.integers(0, 5000),
    ),
    st.builds(
        LognormalLength,
        median=st.floats(20, 5000),
        sigma=st.floats(0, 1.2),
        at_least=st.integers(1, 50),
        at_most=st.integers(5000, 50_000),
    ),
    st.builds(
        lambda low, steps: EmpiricalLength(
            shares=(0, 0.5, 0.9, 1), tokens=tuple(np.cumsum([low, *steps]).tolist())
        ),
        st.integers(20, 500),
        st.tuples(*[st.integers(0, 3000)] * 3),
    ),
)


@given(lengths, st.integers(0, 2**31))
def test_lengths_have_the_moments_and_quantiles_of_their_formulas(law: Lengths, seed: int) -> None:
    drawn = law.draw(DRAWS, np.random.default_rng(seed))
    assert drawn.min() >= 1
    assert law.mean == pytest.approx(drawn.mean(), rel=0.02, abs=0.5)
    assert law.scv == pytest.approx(drawn.var() / drawn.mean() ** 2, rel=0.1, abs=0.01)
    for share in (0.25, 0.5, 0.9):
        reached = law.quantile(share)
        assert float((drawn <= reached + 0.5).mean()) >= share - 0.01
        assert float((drawn < reached - 0.5).mean()) <= share + 0.01
    assert law.quantile(0.0) <= drawn.min() + 0.5
    assert law.quantile(1.0) >= drawn.max() - 0.5


@pytest.mark.parametrize(
    "law",
    [
        PoissonArrivals(rate=4.0),
        GammaArrivals(rate=0.5, cv=2.5),
        GammaArrivals(rate=100.0, cv=0.3),
        OnOffArrivals(rate=2.0, on_seconds=5.0, off_seconds=15.0),
        OnOffArrivals(rate=0.05, on_seconds=3.0, off_seconds=1.0),
    ],
)
def test_arrivals_have_the_rate_and_burstiness_of_their_formulas(law: Arrivals) -> None:
    gaps = law.gaps(400_000, np.random.default_rng(5))
    assert gaps.mean() == pytest.approx(1 / law.rate, rel=0.02)
    assert gaps.var() / gaps.mean() ** 2 == pytest.approx(law.scv, rel=0.05)


def two_classes() -> Workload:
    chat = RequestClass(
        name="chat",
        arrivals=PoissonArrivals(rate=3.0),
        prompt=LognormalLength(median=400, sigma=0.8),
        output=FixedLength(tokens=200),
        prefix_share=0.25,
    )
    code = RequestClass(
        name="code",
        arrivals=OnOffArrivals(rate=1.0, on_seconds=10, off_seconds=30),
        prompt=UniformLength(low=1000, high=3000),
        output=FixedLength(tokens=10),
    )
    return Workload(classes=(chat, code))


def test_tables_hold_their_classes_at_their_rates() -> None:
    workload = two_classes()
    table = sample(workload, seconds=20_000, seed=1)
    assert table.demands == ("chat", "code")
    assert workload.rate == 4.0
    for row, entry in enumerate(workload.classes):
        own = table.demand == row
        assert own.sum() / 20_000 == pytest.approx(entry.arrivals.rate, rel=0.05)
        assert table.prompt_tokens[own].mean() == pytest.approx(entry.prompt.mean, rel=0.03)
    share = table.cached_tokens.sum() / table.prompt_tokens[table.demand == 0].sum()
    assert share == pytest.approx(0.25, abs=0.01)
    assert table.arrival_ns.max() < 20_000 * 10**9
    assert workload.classes[0].computed_tokens == pytest.approx(
        0.75 * workload.classes[0].prompt.mean
    )


def test_the_first_requests_of_a_workload_are_those_of_any_longer_draw() -> None:
    few, many = (sample(two_classes(), requests=count, seed=4) for count in (50, 50))
    assert len(few) == 50
    np.testing.assert_array_equal(few.arrival_ns, many.arrival_ns)
    np.testing.assert_array_equal(few.prompt_tokens, many.prompt_tokens)
    other = sample(two_classes(), requests=50, seed=5)
    assert (other.arrival_ns != few.arrival_ns).any()


def test_a_class_more_leaves_the_others_as_they_were() -> None:
    whole = two_classes()
    alone = sample(Workload(classes=whole.classes[:1]), seconds=100, seed=9)
    both = sample(whole, seconds=100, seed=9)
    own = both.demand == 0
    np.testing.assert_array_equal(alone.arrival_ns, both.arrival_ns[own])
    np.testing.assert_array_equal(alone.prompt_tokens, both.prompt_tokens[own])


def test_empty_draws_are_tables_too() -> None:
    assert len(sample(two_classes(), requests=0)) == 0
    assert len(sample(two_classes(), seconds=0)) == 0


def test_workloads_survive_their_files() -> None:
    workload = two_classes()
    assert Workload.model_validate_json(workload.model_dump_json()) == workload


@pytest.mark.parametrize(
    "fields",
    [
        {"kind": "uniform", "low": 5, "high": 4},
        {"kind": "lognormal", "median": 5, "sigma": 1, "at_least": 9, "at_most": 8},
        {"kind": "lognormal", "median": -5, "sigma": 1},
        {"kind": "empirical", "shares": [0, 1], "tokens": [5, 4]},
        {"kind": "empirical", "shares": [0, 0.5], "tokens": [4, 5]},
        {"kind": "empirical", "shares": [0, 0.5, 0.5, 1], "tokens": [4, 5, 6, 7]},
        {"kind": "empirical", "shares": [0, 1], "tokens": [4, 5, 6]},
        {"kind": "fixed", "tokens": 0},
        {"kind": "fixed", "tokens": 5, "mean": 5},
    ],
)
def test_lengths_that_are_no_distribution_are_refused(fields: dict[str, Any]) -> None:
    adapter: TypeAdapter[Lengths] = TypeAdapter(Lengths)
    with pytest.raises((ValueError, InputError)):
        adapter.validate_python(fields)


def test_slips_are_refused_with_their_place() -> None:
    chat = two_classes().classes[0]
    with pytest.raises(InputError, match="'chat' 2 times"):
        Workload(classes=(chat, chat))
    with pytest.raises(InputError, match=r"arrivals\.poisson\.rate.*-1"):
        Workload.model_validate(
            {
                "classes": [
                    {
                        "arrivals": {"kind": "poisson", "rate": -1},
                        "prompt": {"kind": "fixed", "tokens": 5},
                        "output": {"kind": "fixed", "tokens": 5},
                    }
                ]
            }
        )
    for ask in ({}, {"requests": 5, "seconds": 5.0}, {"requests": -1}, {"seconds": 1e15}):
        with pytest.raises(InputError, match="requests"):
            sample(two_classes(), **ask)


def test_a_plain_number_is_a_length_that_never_varies() -> None:
    stated = {"arrivals": {"kind": "poisson", "rate": 1.0}, "prompt": 300, "output": 20}
    found = RequestClass.model_validate(stated)
    assert (found.prompt, found.output) == (FixedLength(tokens=300), FixedLength(tokens=20))
