"""A workload fitted to its own draws is the workload again, and its distances say so."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from scheduling.errors import InputError
from scheduling.instances.requests.reading import read_requests
from scheduling.models.requests.arrivals import (
    Arrivals,
    GammaArrivals,
    OnOffArrivals,
    PoissonArrivals,
)
from scheduling.models.requests.fitting import Fit, fit
from scheduling.models.requests.lengths import (
    EmpiricalLength,
    FixedLength,
    LognormalLength,
    UniformLength,
)
from scheduling.models.requests.table import RequestTable
from scheduling.models.requests.workload import RequestClass, Workload, sample


def taken(found: Fit) -> dict[tuple[str, str], tuple[str, float]]:
    return {
        (entry.name, entry.of): (entry.law, entry.distance)
        for entry in found.distances
        if entry.taken
    }


@pytest.mark.parametrize(
    "arrivals",
    [
        PoissonArrivals(rate=7.0),
        GammaArrivals(rate=3.0, cv=2.0),
        GammaArrivals(rate=3.0, cv=0.4),
        OnOffArrivals(rate=2.0, on_seconds=4.0, off_seconds=12.0),
    ],
)
def test_arrivals_are_found_again(arrivals: Arrivals) -> None:
    entry = RequestClass(
        arrivals=arrivals,
        prompt=LognormalLength(median=900, sigma=0.7),
        output=FixedLength(tokens=64),
        prefix_share=0.4,
    )
    found = fit(sample(Workload(classes=(entry,)), requests=20_000, seed=3))
    again = found.workload.classes[0]
    assert again.arrivals.rate == pytest.approx(arrivals.rate, rel=0.05)
    assert again.arrivals.scv == pytest.approx(arrivals.scv, rel=0.15)
    assert again.prompt.mean == pytest.approx(entry.prompt.mean, rel=0.02)
    assert again.prompt.scv == pytest.approx(entry.prompt.scv, rel=0.1)
    assert again.output == entry.output
    assert again.prefix_share == pytest.approx(0.4, abs=0.01)
    best = taken(found)
    assert best["all", "gaps"][1] < 0.02
    assert best["all", "prompt"][1] < 0.02
    assert best["all", "output"] == ("fixed", 0.0)
    if isinstance(arrivals, OnOffArrivals):
        assert isinstance(again.arrivals, OnOffArrivals)
        assert again.arrivals.on_seconds == pytest.approx(4.0, rel=0.15)
        assert again.arrivals.off_seconds == pytest.approx(12.0, rel=0.15)


def test_what_no_law_describes_has_a_large_distance() -> None:
    entry = RequestClass(
        arrivals=PoissonArrivals(rate=1.0),
        prompt=UniformLength(low=1, high=1000),
        output=UniformLength(low=5, high=6),
    )
    found = fit(sample(Workload(classes=(entry,)), requests=5000, seed=3))
    far = {(e.of, e.law): e.distance for e in found.distances}
    assert far["prompt", "lognormal"] > 0.1
    assert far["prompt", "empirical"] < 0.02


def test_fits_are_the_same_every_time_and_classes_apart() -> None:
    slow, fast = (
        RequestClass(
            name=name,
            arrivals=PoissonArrivals(rate=rate),
            prompt=FixedLength(tokens=int(10 * rate)),
            output=FixedLength(tokens=3),
        )
        for name, rate in (("slow", 1.0), ("fast", 20.0))
    )
    table = sample(Workload(classes=(slow, fast)), requests=3000)
    found = fit(table)
    assert found == fit(table)
    assert [entry.name for entry in found.workload.classes] == ["slow", "fast"]
    assert found.workload.classes[1].arrivals.rate == pytest.approx(20, rel=0.1)


def test_fits_have_as_many_digits_as_they_are_good_for() -> None:
    prompt = LognormalLength(median=700.0, sigma=0.5)
    output = UniformLength(low=1, high=1000)
    arrivals = GammaArrivals(rate=3.0, cv=2.0)
    entry = RequestClass(arrivals=arrivals, prompt=prompt, output=output, prefix_share=1 / 3)
    (again,) = fit(sample(Workload(classes=(entry,)), requests=2000)).workload.classes
    assert isinstance(again.arrivals, GammaArrivals)
    assert isinstance(again.prompt, LognormalLength)
    assert isinstance(again.output, EmpiricalLength)
    numbers = [again.arrivals.rate, again.arrivals.cv, again.prompt.median, again.prompt.sigma]
    assert all(value == float(f"{value:.6g}") for value in [*numbers, again.prefix_share])
    assert all(value == round(value, 3) for value in again.output.tokens)


def test_a_share_that_is_below_one_stays_below() -> None:
    ones = np.ones(3, np.int64)
    times = np.array([0, 10**9, 5 * 10**9])
    many = 10**8 * ones
    (entry,) = fit(RequestTable(times, many, ones, 0 * ones, many - 1)).workload.classes
    assert entry.prefix_share == 0.999999


def test_too_few_requests_are_refused() -> None:
    ones = np.ones(3, np.int64)
    with pytest.raises(InputError, match="3 requests of 'all'"):
        fit(RequestTable(ones, ones, ones, 0 * ones, 0 * ones))
    with pytest.raises(InputError, match="no request"):
        fit(RequestTable(ones[:0], ones[:0], ones[:0], ones[:0], ones[:0]))


@pytest.mark.shared
@pytest.mark.parametrize(
    ("name", "law", "gaps", "lengths"),
    [
        ("llm_azure_2023/azure2023_conv.csv", "poisson", 0.05, 0.03),
        ("llm_azure_2023/azure2023_code.csv", "on-off", 0.3, 0.03),
    ],
)
def test_public_traces_are_described(
    shared_data: Path, name: str, law: str, gaps: float, lengths: float
) -> None:
    found = fit(read_requests(shared_data / name).table)
    best = taken(found)
    assert best["all", "gaps"][0] == law
    assert best["all", "gaps"][1] < gaps
    assert max(best["all", "prompt"][1], best["all", "output"][1]) < lengths
