"""Stages of layers: the cap search against all cuts, the window, memory, bubbles."""

from __future__ import annotations

from itertools import combinations, pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import scheduling as sch
from scheduling.errors import InputError
from scheduling.models.pipeline.problem import (
    Layer,
    PipelineProblem,
    Stages,
    bubble,
    check_stages,
    step_cost,
)
from scheduling.scenarios.roundpipe import profile
from scheduling.solvers.pipeline.caps import best_cut, windowed_cut


@st.composite
def pipelines(draw: st.DrawFn) -> PipelineProblem:
    layers = tuple(
        Layer(
            forward_seconds=float(draw(st.integers(1, 5))),
            backward_seconds=float(draw(st.integers(1, 9))),
            gigabytes=float(draw(st.integers(0, 4))),
        )
        for _ in range(draw(st.integers(1, 5)))
    )
    room = draw(st.sampled_from([None, 4.0, 7.0]))
    return PipelineProblem(gpus=draw(st.integers(1, 4)), gigabytes=room, layers=layers)


def _cuts(end: int) -> list[tuple[tuple[int, int], ...]]:
    """Return every way to cut the first layers into stages."""
    if end == 0:
        return [()]
    ways = []
    for count in range(end):
        for inner in combinations(range(1, end), count):
            marks = [0, *inner, end]
            ways.append(tuple(pairwise(marks)))
    return ways


@settings(max_examples=60, deadline=None)
@given(pipelines())
def test_all_caps_find_the_best_of_all_cuts(problem: PipelineProblem) -> None:
    n = len(problem.layers)
    costs = []
    for first in range(n):
        for forward in _cuts(first):
            for backward in _cuts(first):
                cut = Stages(forward, (first, n), tuple(reversed(backward)))
                if not check_stages(problem, cut):
                    costs.append(step_cost(problem, cut))
    found = best_cut(problem)
    assert check_stages(problem, found) == []
    assert step_cost(problem, found) == pytest.approx(min(costs))
    window = windowed_cut(problem)
    assert check_stages(problem, window) == []
    assert step_cost(problem, window) >= step_cost(problem, found) - 1e-9


def test_wrong_cuts_are_caught() -> None:
    layers = tuple(
        Layer(forward_seconds=1.0, backward_seconds=2.0, gigabytes=2.0) for _ in range(4)
    )
    problem = PipelineProblem(gpus=2, gigabytes=4.0, layers=layers)
    good = Stages(((0, 2),), (2, 4), ((0, 2),))
    assert check_stages(problem, good) == []
    assert check_stages(problem, good._replace(forward=((0, 1),)))
    assert check_stages(problem, good._replace(backward=()))
    assert check_stages(problem, Stages((), (0, 4), ()))
    with pytest.raises(InputError, match=r"layers\[0\].gigabytes"):
        PipelineProblem(gpus=2, gigabytes=1.0, layers=layers)


def test_the_window_costs_and_many_micro_batches_hide_the_fill() -> None:
    ratios = []
    for seed in range(20):
        problem = profile(seed)
        cut = best_cut(problem)
        ratios.append(step_cost(problem, windowed_cut(problem)) / step_cost(problem, cut))
        assert bubble(problem, cut, 64) < bubble(problem, cut, 8) + 1e-9
    assert min(ratios) >= 1 - 1e-9


def test_equal_stages_wait_for_the_fill_alone() -> None:
    layers = tuple(Layer(forward_seconds=1.0, backward_seconds=1.0) for _ in range(9))
    problem = PipelineProblem(gpus=3, layers=layers)
    forward = tuple((k, k + 2) for k in range(0, 8, 2))
    cut = Stages(forward, (8, 9), tuple(reversed(forward)))
    batches, steps = 12, 2
    rounds = cut.number * steps // 3 * batches
    assert bubble(problem, cut, batches, steps) == pytest.approx(1 - rounds / (rounds + 2))


def test_files(tmp_path: Path) -> None:
    sch.write(profile(0), tmp_path / "layers.yaml")
    assert sch.read(tmp_path / "layers.yaml") == profile(0)
