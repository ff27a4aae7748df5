"""Tables of measured operators: interpolation, provenance, and what falls back to formulas."""

from __future__ import annotations

from math import sqrt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scheduling.models.cost.costs import replica_cost
from scheduling.models.cost.efficiency import Efficiency
from scheduling.models.cost.layout import Layout
from scheduling.models.cost.precision import Precision
from scheduling.models.cost.profile import (
    AttentionStep,
    Copy,
    ExpertLayer,
    OperatorProfile,
    Product,
)
from scheduling.models.cost.protocol import Batch, KnowsPower, Provenance
from scheduling.models.cost.tables import Nested
from tests.models.cost.machines import GPT_OSS, H100, LLAMA_8B

NO_FRAME = Efficiency(iteration_seconds=0, sequence_seconds=0, layer_seconds=0, launch_seconds=0)
LINE = Nested({(2.0,): 1.0, (4.0,): 2.0, (16.0,): 32.0}, (1.0,))

sizes = st.floats(0.1, 1e5)
samples = st.dictionaries(
    st.tuples(st.integers(1, 1000), st.integers(1, 1000)), st.floats(1e-6, 10), min_size=1
)


def test_rows_are_returned_and_between_them_logarithms_are_lines() -> None:
    assert LINE.at(4).seconds == pytest.approx(2.0)
    assert LINE.at(4).provenance is Provenance.MEASURED
    assert LINE.at(sqrt(8.0)).seconds == pytest.approx(sqrt(2.0))
    assert LINE.at(3).provenance is Provenance.INTERPOLATED


def test_beyond_the_rows_slopes_go_on_no_steeper_than_the_work() -> None:
    assert LINE.at(32).seconds == pytest.approx(64.0)
    assert LINE.at(0.5).seconds == pytest.approx(1.0)
    assert {LINE.at(32).provenance, LINE.at(0.5).provenance} == {Provenance.EXTRAPOLATED}
    single = Nested({(2.0,): 3.0}, (2.0,))
    assert single.at(4).seconds == pytest.approx(12.0)


def test_one_size_outside_makes_the_whole_extrapolated() -> None:
    points: dict[tuple[float, ...], float] = {(a, b): a * b for a in (1.0, 2.0) for b in (1.0, 4.0)}
    grid = Nested(points, (1.0, 1.0))
    assert grid.at(2, 4).provenance is Provenance.MEASURED
    assert grid.at(1.5, 4).provenance is Provenance.INTERPOLATED
    assert grid.at(1.5, 8).provenance is Provenance.EXTRAPOLATED
    assert grid.at(1.5, 3).seconds == pytest.approx(4.5)


@given(points=samples, first=sizes, low=sizes, high=sizes)
def test_seconds_never_fall_with_the_last_size(
    points: dict[tuple[int, int], float], first: float, low: float, high: float
) -> None:
    table = Nested({(float(a), float(b)): s for (a, b), s in points.items()}, (1.0, 1.0))
    less, more = (table.at(first, size).seconds for size in sorted((low, high)))
    if len({a for a, _ in points}) == 1 or any(a == first for a, _ in points):
        assert more >= less * (1 - 1e-9)
    assert less > 0


@given(points=samples)
def test_monotone_rows_are_kept(points: dict[tuple[int, int], float]) -> None:
    rising: dict[tuple[float, ...], float] = {(float(a), float(b)): 1e-3 * a * b for a, b in points}
    table = Nested(rising, (1.0, 1.0))
    for sizes, seconds in rising.items():
        assert table.at(*sizes).seconds == pytest.approx(seconds)
    assert dict(table.points()) == pytest.approx(rising)


def profile(factor: float = 1.0) -> OperatorProfile:
    """Rows of Llama-3.1-8B on one GPU: all its products and attention at few sizes."""
    shapes = ((6144, 4096), (4096, 4096), (28672, 4096), (4096, 14336), (128256, 4096))
    return OperatorProfile(
        gpu="h100",
        engine="test 1",
        products=tuple(
            Product(
                weights="bf16",
                compute="bf16",
                rows=rows,
                n=n,
                k=k,
                seconds=factor * max(1e-5, 1e-12 * n * k * rows / 200),
            )
            for n, k in shapes
            for rows in (1, 8, 64, 1024)
        ),
        attention=tuple(
            AttentionStep(
                phase=phase,
                heads=32,
                kv_heads=8,
                head_dim=128,
                kv="bf16",
                requests=requests,
                tokens=tokens,
                seconds=factor * 1e-8 * requests * tokens,
            )
            for phase in ("prefill", "decode")
            for requests in (1, 8)
            for tokens in (512, 1024, 4096)
        ),
        copies=(Copy(way="peer", payload_bytes=10**6, seconds=1e-5),),
    )


def test_a_decode_step_is_the_sum_of_its_rows() -> None:
    cost = replica_cost(
        LLAMA_8B, H100, Layout(), Precision(), profile=profile().table(), terms=NO_FRAME
    )
    batch = Batch.decode(8, 8 * 1024)
    per_layer = 4 * 1e-5 + 1e-8 * 8 * 1024
    elementwise = 32 * (20 * 8 * 4096 + 6 * 8 * 14336) / (H100.bandwidth * NO_FRAME.memory)
    assert cost.seconds(batch) == pytest.approx(32 * per_layer + 2.1013e-5 + elementwise, rel=1e-3)
    assert cost.provenance(batch) is Provenance.MEASURED
    assert cost.line(batch) is None
    assert isinstance(cost, KnowsPower)


def test_provenance_is_that_of_the_weakest_operator() -> None:
    table = profile().table()
    cost = replica_cost(LLAMA_8B, H100, Layout(), Precision(), profile=table)
    assert cost.provenance(Batch.decode(8, 8 * 2000)) is Provenance.INTERPOLATED
    assert cost.provenance(Batch.decode(8, 8 * 9000)) is Provenance.EXTRAPOLATED
    split = replica_cost(LLAMA_8B, H100, Layout(tp=2), Precision(), profile=table)
    assert split.provenance(Batch.decode(8, 8 * 1024)) is Provenance.ANALYTIC
    other = replica_cost(
        LLAMA_8B, H100, Layout(), Precision(weights="fp8", compute="fp8"), profile=table
    )
    assert other.provenance(Batch.decode(8, 8 * 1024)) is Provenance.ANALYTIC


def test_what_the_table_lacks_comes_from_the_roofline() -> None:
    plain = replica_cost(GPT_OSS, H100, Layout(), Precision())
    tabled = replica_cost(
        GPT_OSS, H100, Layout(), Precision(), profile=OperatorProfile(gpu="h", engine="e").table()
    )
    for batch in (Batch.decode(8, 8192), Batch.prefill(3000, 1000) + Batch.decode(4, 900)):
        assert tabled.seconds(batch) == plain.seconds(batch)
        assert tabled.line(batch) == plain.line(batch)


def test_a_cached_part_costs_what_the_whole_takes_more() -> None:
    cost = replica_cost(
        LLAMA_8B, H100, Layout(), Precision(), profile=profile().table(), terms=NO_FRAME
    )
    plain = cost.seconds(Batch.prefill(512))
    behind = cost.seconds(Batch.prefill(512, 512))
    assert behind == pytest.approx(plain, rel=1e-6)
    assert cost.provenance(Batch.prefill(512, 512)) is Provenance.INTERPOLATED


def test_experts_and_narrow_products_have_their_own_rows() -> None:
    rows = tuple(
        ExpertLayer(
            weights="fp4",
            compute="bf16",
            hidden=2880,
            ffn=2880,
            total=128,
            active=4,
            tokens=tokens,
            seconds=0.5,
        )
        for tokens in (1, 64)
    )
    table = OperatorProfile(gpu="h", engine="e", experts=rows).table()
    cost = replica_cost(
        GPT_OSS, H100, Layout(), Precision(weights="fp4", compute="bf16"), profile=table
    )
    assert cost.seconds(Batch.decode(8, 8000)) == pytest.approx(36 * 0.5, rel=0.01)
