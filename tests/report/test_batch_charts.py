"""Charts of batching and of prompts: what is drawn, and what the titles say."""

from __future__ import annotations

from pathlib import Path

import pytest

import scheduling as sch
from scheduling.errors import InputError
from scheduling.models.batching.problem import BatchingProblem, BatchingRequest
from scheduling.models.batching.solution import BatchingSolution
from scheduling.models.prefill.problem import PrefillProblem, Prompt
from scheduling.models.prefill.solution import PrefillSolution
from scheduling.report.batching import chart as batching
from scheduling.report.charts import write_chart
from scheduling.report.prefill import chart as prefill

REQUESTS = BatchingProblem(
    name="three",
    memory=6,
    requests=(
        BatchingRequest(id="long", prompt=2, output=4),
        BatchingRequest(id="a", prompt=1, output=2),
        BatchingRequest(id="b", prompt=1, output=2),
    ),
)
PROMPTS = PrefillProblem(
    name="two",
    prompts=(
        Prompt(id="long", operators=4, duration=3, due=11),
        Prompt(id="short", release=1, duration=2, due=5),
    ),
)


def test_tokens_and_bars_of_batching() -> None:
    found: BatchingSolution = sch.solve(REQUESTS, "fcfs-evict", work_limit=1)
    # Alone the long one holds 3 to 6 tokens; a is evicted twice beside it.
    assert batching.held(REQUESTS, found) == [5, 6, 5, 6, 4, 6]
    bars = batching.spans(REQUESTS, found)
    assert [bar.request for bar in bars if bar.evicted] == ["a", "a"]
    assert ("long", 0, 4, False) in bars
    assert batching.sentence(REQUESTS, found).startswith("three: flow 16, at least ")
    none = BatchingSolution.model_validate({"kind": "batching", "status": "unknown"})
    assert batching.sentence(REQUESTS, none) == "three: no plan (unknown)"
    assert batching.held(REQUESTS, none) == []


def test_prompts_that_are_late_are_told_apart() -> None:
    found: PrefillSolution = sch.solve(PROMPTS, "s-edf", work_limit=1)
    assert prefill.in_time(PROMPTS, found) == {"short"}
    assert prefill.sentence(PROMPTS, found).startswith("two: 1 of 2 on time")
    best = sch.solve(PROMPTS, "cp-sat", work_limit=5, workers=1)
    assert prefill.sentence(PROMPTS, best) == "two: 1 of 2 on time, proven most"
    none = PrefillSolution.model_validate({"kind": "prefill", "status": "unknown"})
    assert prefill.sentence(PROMPTS, none) == "two: no schedule (unknown)"


def test_the_same_answer_gives_the_same_picture(tmp_path: Path) -> None:
    plan = sch.solve(REQUESTS, "mc-sf", work_limit=1)
    pieces = sch.solve(PROMPTS, "edf", work_limit=1)
    for name in ("one.svg", "two.svg"):
        write_chart(REQUESTS, plan, tmp_path / f"batching-{name}")
        write_chart(PROMPTS, pieces, tmp_path / f"prefill-{name}")
    for kind, text in (("batching", b"flow"), ("prefill", b"on time")):
        pictures = [(tmp_path / f"{kind}-{name}.svg").read_bytes() for name in ("one", "two")]
        assert pictures[0] == pictures[1]
        assert text in pictures[0]
    with pytest.raises(InputError, match=r"\.png or \.svg"):
        write_chart(REQUESTS, plan, tmp_path / "chart.html")
