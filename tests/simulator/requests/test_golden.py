"""Runs of an independent simulator (Vidur with an affine cost model), iteration by iteration."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from scheduling.instances.requests.reading import read_requests
from scheduling.models.cost.protocol import Affine
from scheduling.simulator.requests.deployment import Deployment, Group
from scheduling.simulator.requests.fleet import simulate_fleet
from scheduling.simulator.requests.policies.admission import Reserve, Watermark
from scheduling.simulator.requests.policies.composition import Orca, PrefillFirst, Sarathi

COST = Affine(base=0.005, per_token=4e-5, per_kv=3e-8)
AMPLE_BLOCKS = 128 * 256
RUNS = (
    "orca",
    *(f"sarathi-{tokens}" for tokens in (128, 256, 512, 1024, 2048)),
    "sarathi-512-blocks800",
    "sarathi-512-blocks1200",
    "vllm",
    "vllm-blocks800",
    "vllm-blocks1200",
)


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as stream:
        return list(csv.DictReader(stream))


def fleet(golden: dict[str, Any]) -> Deployment:
    options = golden["options"]
    composition: Sarathi | PrefillFirst | Orca
    if golden["scheduler"] == "sarathi":
        composition = Sarathi(options["chunk_size"])
    else:
        composition = PrefillFirst() if golden["scheduler"] == "vllm" else Orca()
    group = Group(
        "one",
        COST,
        kv_tokens=16 * options.get("num_blocks", AMPLE_BLOCKS),
        max_sequences=128,
        composition=composition,
        admission=Reserve(4096) if golden["scheduler"] == "orca" else Watermark(0.01),
    )
    return Deployment((group,))


@pytest.mark.shared
@pytest.mark.parametrize("name", RUNS)
def test_runs_equal_those_of_vidur(shared_data: Path, name: str) -> None:
    folder = shared_data / "vidur_golden"
    golden = json.loads((folder / "golden.json").read_text())[f"conv400-{name}"]
    requests = read_requests(folder / "requests-conv400.csv").table
    run = simulate_fleet(fleet(golden), requests)
    assert run.iterations == golden["iterations"]
    assert run.restarts.sum() == golden["restarts"]
    assert run.makespan_seconds == pytest.approx(golden["makespan_s"], abs=1e-5)
    known = rows(folder / f"completions-conv400-{name}.csv")
    assert run.restarts.tolist() == [int(entry["restarts"]) for entry in known]
    for times, column in (
        (run.first_token_ns, "first_token_at_s"),
        (run.ended_ns, "completed_at_s"),
    ):
        expected = np.array([float(entry[column]) for entry in known])
        assert np.abs(times / 1e9 - expected).max() <= 1e-5
