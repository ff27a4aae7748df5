"""Stages of layers: all caps against all cuts, the window, memory, what GPUs wait, charts."""

from __future__ import annotations

from fractions import Fraction
from itertools import combinations, pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import scheduling as sch
from scheduling.errors import InputError
from scheduling.instances.generators import generate
from scheduling.models.base import Status
from scheduling.models.pipeline.dispatch import bubble
from scheduling.models.pipeline.problem import Layer, PipelineProblem
from scheduling.models.pipeline.solution import PipelineSolution
from scheduling.report.charts import write_chart
from scheduling.report.pipeline.chart import bars, sentence
from scheduling.scenarios.roundpipe import profile
from tests.properties import examples
from tests.solving import solve

WORKED = PipelineProblem(
    gpus=2,
    gigabytes=4.0,
    layers=tuple(Layer(forward_seconds=1.0, backward_seconds=2.0, gigabytes=2.0) for _ in range(4)),
)


@st.composite
def pipelines(draw: st.DrawFn) -> PipelineProblem:
    layers = tuple(
        Layer(
            forward_seconds=draw(st.integers(1, 9)) / 10,
            backward_seconds=draw(st.integers(1, 9)) / 10,
            gigabytes=draw(st.integers(0, 4)) / 10,
        )
        for _ in range(draw(st.integers(1, 5)))
    )
    room = draw(st.none() | st.integers(4, 9))
    return PipelineProblem(
        gpus=draw(st.integers(1, 4)), gigabytes=None if room is None else room / 10, layers=layers
    )


def _ranges(count: int) -> list[list[tuple[int, int]]]:
    """Return all ways to cut so many layers."""
    found = []
    for number in range(count):
        cuts = combinations(range(1, count), number)
        found += [list(pairwise([0, *one, count])) for one in cuts]
    return found or [[]]


def _least(problem: PipelineProblem) -> Fraction:
    """Try every cut, in tenths."""
    count, layers = len(problem.layers), problem.layers
    room = problem.gigabytes

    def tenths(values: Any) -> int:
        return sum(round(10 * value) for value in values)

    def fits(a: int, b: int) -> bool:
        return room is None or tenths(x.gigabytes for x in layers[a:b]) <= round(10 * room)

    best: list[int] = []
    for first in range(count):
        fused = tenths(x.forward_seconds for x in layers[first:])
        fused += tenths(x.backward_seconds for x in layers[first:])
        for ahead in _ranges(first):
            for behind in _ranges(first):
                if not all(fits(a, b) for a, b in [*ahead, *behind, (first, count)]):
                    continue
                times = [tenths(x.forward_seconds for x in layers[a:b]) for a, b in ahead]
                times += [tenths(x.backward_seconds for x in layers[a:b]) for a, b in behind]
                best.append(max(len(times) + 1, problem.gpus) * max([*times, fused]))
    return Fraction(min(best), 10)


@examples(80)
@given(pipelines())
def test_all_caps_are_as_good_as_all_cuts(problem: PipelineProblem) -> None:
    least = float(_least(problem))
    for name in ("caps", "auto"):
        answer: PipelineSolution = solve(problem, name, work_limit=100, workers=1)
        assert (answer.objective, answer.bound) == (least, least)
    window: PipelineSolution = solve(problem, "window", work_limit=100)
    assert window.objective is not None
    assert window.bound is not None
    assert window.bound <= least <= window.objective


def _answer(*stages: tuple[str, int, int], step: float = 12.0) -> set[str]:
    document = {
        "status": "feasible",
        "objective": step,
        "bound": 6.0,
        "gap": (step - 6.0) / step,
        "tiers": [{"name": "step", "objective": step, "bound": 6.0, "gap": (step - 6.0) / step}],
        "stages": [{"passes": p, "first": a, "end": b} for p, a, b in stages],
    }
    return {v.constraint for v in sch.check(WORKED, PipelineSolution.model_validate(document))}


def test_each_rule_is_checked() -> None:
    front, fused, back = ("forward", 0, 2), ("both", 2, 4), ("backward", 0, 2)
    assert _answer(front, fused, back, step=18.0) == set()
    assert _answer(front, fused, back) == {"objective"}
    assert "layers" in _answer(("forward", 0, 1), fused, back)
    assert "layers" in _answer(front, fused)
    assert "memory" in _answer(("both", 0, 4))
    assert "order" in _answer(fused, front, back)
    assert "order" in _answer(front, ("forward", 2, 4), ("backward", 2, 4), back)
    assert "layers" in _answer(front, fused, ("backward", 0, 1), ("backward", 1, 2))
    assert "stage" in _answer(front, fused, back, ("backward", 0, 0))
    assert _answer(front, ("both", 2, 5), back) >= {"stage", "layers"}
    unknown = {"status": "unknown", "stages": [{"passes": "both", "first": 0, "end": 4}]}
    assert sch.check(WORKED, PipelineSolution.model_validate(unknown))


def test_layers_that_fit_nowhere_are_named() -> None:
    with pytest.raises(InputError, match=r"layers\[0\].gigabytes"):
        PipelineProblem(gpus=2, gigabytes=1.0, layers=WORKED.layers)


def test_a_cut_within_the_limit_and_a_hint() -> None:
    problem = generate("model-layers", {"layers": 300, "gpus": 16})
    short = solve(problem, "caps", work_limit=0.01)
    assert short.status is Status.FEASIBLE
    best = solve(problem, work_limit=50)
    assert best.status is Status.OPTIMAL
    assert short.bound <= best.objective <= short.objective
    again = solve(problem, "window", work_limit=1, hint=best)
    assert (again.objective, again.solver) == (best.objective, "window (hint)")


def test_the_window_costs_and_many_micro_batches_hide_the_fill() -> None:
    for seed in range(5):
        problem = profile(seed)
        best = solve(problem, "caps", work_limit=50)
        assert best.status is Status.OPTIMAL
        assert solve(problem, "window", work_limit=50).objective >= best.objective
        assert bubble(problem, best, 64) < bubble(problem, best, 8) + 1e-9


def test_equal_stages_wait_for_the_fill_alone() -> None:
    layers = tuple(Layer(forward_seconds=1.0, backward_seconds=1.0) for _ in range(9))
    problem = PipelineProblem(gpus=3, layers=layers)
    cut = solve(problem, work_limit=50)
    assert {stage.end - stage.first for stage in cut.stages if stage.passes != "both"} == {2}
    batches, steps = 12, 2
    rounds = len(cut.stages) * steps // 3 * batches
    assert bubble(problem, cut, batches, steps) == pytest.approx(1 - rounds / (rounds + 2))


def test_files_and_charts(tmp_path: Path) -> None:
    sch.write(profile(0), tmp_path / "layers.yaml")
    assert sch.read(tmp_path / "layers.yaml") == profile(0)
    answer = solve(WORKED, work_limit=10)
    assert sentence(WORKED, answer) == "pipeline: 18 s for 6 stages on 2 GPUs, proven least"
    drawn = bars(WORKED, answer)
    assert len(drawn) == 2 * 2 * 6
    assert drawn[0].name == "layers 0 to 1, step 0, stage 0, micro-batch 0"
    write_chart(WORKED, answer, tmp_path / "stages.svg")
    assert "both" in (tmp_path / "stages.svg").read_text(encoding="utf-8")
    none = PipelineSolution.model_validate({"status": "unknown"})
    assert bars(WORKED, none) == []
    assert sentence(WORKED, none) == "pipeline: no stages (unknown)"
