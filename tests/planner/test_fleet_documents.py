from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import scheduling as sch
from scheduling.instances import bundled
from scheduling.models.cost.catalogue import gpu, llm
from scheduling.models.serving.fleet import Fleet, short_precision
from tests.planner.fleets import fleet


@pytest.mark.parametrize("name", bundled.fleets())
@pytest.mark.parametrize("suffix", ["yaml", "json"])
def test_bundled_fleets_survive_writing_and_reading(name: str, suffix: str, tmp_path: Path) -> None:
    stated = sch.read(f"bundled:{name}")
    assert isinstance(stated, Fleet)
    path = tmp_path / f"fleet.{suffix}"
    sch.write(stated, path)
    assert sch.read(path) == stated


def test_inline_descriptions_survive_writing_and_reading(tmp_path: Path) -> None:
    stated = fleet(
        models=[{"name": "own", "llm": llm("deepseek-v3")}],
        pools=[{"name": "p", "gpu": gpu("h200-sxm"), "nodes": 2}],
        demand={
            "model": "own",
            "rate": None,
            "arrivals": {"kind": "gamma", "rate": 2.0, "cv": 3.0},
        },
    )
    path = tmp_path / "fleet.yaml"
    sch.write(stated, path)
    assert sch.read(path) == stated


@pytest.mark.parametrize(
    ("changes", "place", "expected"),
    [
        ({"demand": {"rate": -1.0}}, "demands[0].rate", "greater than 0"),
        ({"demand": {"model": "other"}}, "demands[0].model", "one of: llama-3.1-8b"),
        ({"demand": {"rate": None}}, "demands[0].rate", "a rate, arrivals or a trace"),
        ({"demand": {"output": None}}, "demands[0].output", "tokens, a distribution, or a trace"),
        ({"demand": {"trace": "t.csv"}}, "demands[0].prompt", "either of them"),
        ({"models": [{"name": "llama-3.1-8b", "precisions": ["fp9"]}]}, "precision", "one of:"),
        ({"goals": ["cost", "cost"]}, "goals", "each goal once"),
        ({"max_changes": 3}, "running", "the running plan"),
        (
            {"scenarios": [{"name": "x", "demand": {"no": 2.0}}]},
            "scenarios[0].demand",
            "one of: chat",
        ),
        ({"colour": "red"}, "colour", "no such field"),
    ],
)
def test_faults_name_place_and_expectation(
    changes: dict[str, Any], place: str, expected: str
) -> None:
    with pytest.raises(sch.InputError) as caught:
        fleet(**changes)
    assert any(place in fault.place and expected in fault.expected for fault in caught.value.faults)


def test_short_names_of_precisions() -> None:
    stated = fleet(models=[{"name": "llama-3.1-8b", "precisions": ["W4A4KV4", "fp8"]}])
    first, second = stated.models[0].precisions
    assert (first.precision.weights, first.precision.kv) == ("int4", "int4")
    assert short_precision(first.precision) == "w4a4kv4"
    assert first.kept_quality is None
    assert short_precision(second.precision) == "fp8"
    assert stated.models[0].precisions[0].precision.compute == "int4"


def test_joint_attainment_asks_more_of_each_target() -> None:
    demand = fleet(demand={"attainment": 0.9}).demands[0]
    assert demand.target("ttft") == pytest.approx((0.5, 0.95))
    assert demand.target("tpot") == pytest.approx((0.03, 0.95))
    assert demand.target("e2e") is None
