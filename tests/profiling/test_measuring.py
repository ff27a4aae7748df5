"""Measuring operators on a device that answers from formulas: timing, tables, the verb."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from scheduling.cli.app import app
from scheduling.errors import InputError, UnsupportedError
from scheduling.instances.cost.operators import read_operators
from scheduling.models.cost.catalogue import gpu, llm
from scheduling.models.cost.costs import replica_cost
from scheduling.models.cost.efficiency import Efficiency
from scheduling.models.cost.layout import Layout
from scheduling.models.cost.operators import Operators
from scheduling.models.cost.precision import Dtype, Precision
from scheduling.models.cost.profile import (
    AttentionShape,
    CopyShape,
    ExpertShape,
    ProductShape,
    Shape,
)
from scheduling.models.cost.protocol import Batch, Provenance
from scheduling.profiling import torch_device
from scheduling.profiling.accuracy import accuracy
from scheduling.profiling.measuring import Runner, Unrunnable, measure
from scheduling.profiling.shapes import copies, shapes_of

TRUE = Efficiency(memory=0.75, wide_compute=0.65, prefill_attention=0.45, product_seconds=7e-6)


class FakeDevice:
    """An H100 whose operators take what the roofline says with other terms.

    The first run of an operator takes a second, every third round is ten times as slow.
    """

    gpu = "h100-sxm"
    engine = "fake 1"
    types: tuple[tuple[Dtype, Dtype], ...] = (("bf16", "bf16"),)
    peers = True

    def __init__(self) -> None:
        self.prepared: list[Shape] = []
        self.runs: list[int] = []

    def prepare(self, shape: Shape) -> Runner:
        self.prepared.append(shape)
        if isinstance(shape, ProductShape) and shape.rows == 8192:
            raise Unrunnable("out of memory")
        seconds = self._seconds(shape)
        calls = 0

        def run(times: int) -> float:
            nonlocal calls
            calls += 1
            self.runs.append(times)
            if calls == 1:
                return 1.0
            return times * seconds * (10 if calls % 3 == 0 else 1)

        return run

    def _seconds(self, shape: Shape) -> float:
        operators = Operators(gpu("h100-sxm"), Precision(), TRUE)
        if isinstance(shape, ProductShape):
            return operators.product(shape.rows, shape.n, shape.k).seconds
        if isinstance(shape, AttentionShape):
            return 1e-9 * shape.heads * shape.requests * shape.tokens
        if isinstance(shape, ExpertShape):
            return 1e-6 * (10 + shape.tokens)
        assert isinstance(shape, CopyShape)
        return 1e-6 + shape.payload_bytes / 1e11


SHAPES = [*shapes_of(llm("llama-3.1-8b"), [1, 2], FakeDevice.types), *copies(peers=True)]


def test_medians_are_kept_and_each_operator_runs_once() -> None:
    device = FakeDevice()
    found = measure(device, [*SHAPES, *SHAPES])
    assert len(device.prepared) == len(set(SHAPES))
    assert max(device.runs) <= 200
    operators = Operators(gpu("h100-sxm"), Precision(), TRUE)
    for row in found.profile.products:
        assert row.seconds == pytest.approx(operators.product(row.rows, row.n, row.k).seconds)


def test_operators_that_do_not_run_are_left_out_and_told() -> None:
    found = measure(FakeDevice(), SHAPES)
    assert found.left_out
    assert {reason for _, reason in found.left_out} == {"out of memory"}
    rows = found.profile
    kept = len(rows.products) + len(rows.attention) + len(rows.experts) + len(rows.copies)
    assert kept + len(found.left_out) == len(set(SHAPES))


def test_a_replica_of_the_model_meets_measured_products() -> None:
    table = measure(FakeDevice(), SHAPES).profile.table()
    cost = replica_cost(llm("llama-3.1-8b"), gpu("h100-sxm"), Layout(), Precision(), profile=table)
    assert cost.provenance(Batch.decode(16, 16 * 2048)) < Provenance.ANALYTIC
    with_experts = shapes_of(llm("mixtral-8x7b"), [2], FakeDevice.types)
    table = measure(FakeDevice(), with_experts).profile.table()
    assert [key.tp for key in table.experts] == [2]


def test_calibration_on_a_profile_brings_the_formula_close() -> None:
    profile = measure(FakeDevice(), SHAPES).profile
    found, fitted = accuracy(profile, gpu("h100-sxm"))
    products = found[0]
    assert products.operator == "products"
    assert products.before > 0.15
    assert products.after < 0.05
    assert fitted.memory < Efficiency().memory


def test_degrees_divide_the_heads() -> None:
    with pytest.raises(InputError, match="a divisor of the 32 heads"):
        list(shapes_of(llm("llama-3.1-8b"), [3], FakeDevice.types))


def test_without_pytorch_or_gpu_the_verb_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    arguments = ["profile", "llama-3.1-8b", "--output", str(tmp_path / "p.json")]
    done = CliRunner().invoke(app, arguments)
    assert isinstance(done.exception, UnsupportedError)
    assert "needs PyTorch" in str(done.exception)
    assert not list(tmp_path.iterdir())


def test_the_verb_writes_a_profile_that_reads_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch_device, "TorchDevice", FakeDevice)
    file = tmp_path / "p.json"
    arguments = ["profile", "llama-3.1-8b", "--tp", "1,2", "--output", str(file), "--json"]
    done = CliRunner().invoke(app, arguments)
    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout)
    assert found["left_out"] == 8
    assert found["errors"][0]["after"] < found["errors"][0]["before"]
    table = read_operators(file)
    assert table.name == "h100-sxm fake 1"
    assert table.send is not None
    shown = CliRunner().invoke(app, arguments[:-1])
    assert "h100-sxm, fake 1" in shown.stdout
    bad = CliRunner().invoke(app, ["profile", "llama-3.1-8b", "--tp", "one", "--output", str(file)])
    assert "--tp: found 'one', expected whole numbers above 0, such as 1,4" in str(bad.exception)
