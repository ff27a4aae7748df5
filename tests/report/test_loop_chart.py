"""Charts of pipelines: what is drawn when, and what the title says."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import cast

import pytest
from hypothesis import HealthCheck, given

import scheduling as sch
from scheduling.errors import InputError
from scheduling.instances import bundled
from scheduling.models.loop.problem import LoopProblem
from scheduling.models.loop.solution import LoopSolution
from scheduling.report.charts import write_chart
from scheduling.report.loop.chart import STEADY, Bar, bars, phases, sentence
from tests.loops import loops
from tests.properties import examples

PROBLEM = LoopProblem.model_validate(
    {
        "kind": "loop",
        "name": "two",
        "units": [{"id": "copy"}, {"id": "core", "capacity": 2}],
        "warps": ["w"],
        "operations": [
            {"id": "load", "latency": 5, "uses": [{"unit": "copy", "cycles": 2}]},
            {"id": "add", "latency": 2, "uses": [{"unit": "core", "cycles": 2, "amount": 2}]},
        ],
        "dependences": [{"before": "load", "after": "add"}],
    }
)


@pytest.fixture
def solution() -> LoopSolution:
    found: LoopSolution = sch.solve(PROBLEM, "cp-sat", work_limit=5, workers=1)
    return found


def test_phases_and_bars_are_those_of_the_pipeline(solution: LoopSolution) -> None:
    """An iteration every 2 cycles, 4 of them under way: 6 cycles of prologue."""
    known = phases(PROBLEM, solution)
    assert known is not None
    assert (known.interval, known.steady, known.epilogue) == (2, 6, 6 + 2 * STEADY)
    drawn = bars(PROBLEM, solution)
    first = [bar for bar in drawn if bar.iteration == 0]
    assert first == [
        Bar("copy", "load", 0, 0, 2, 2, 0, 1),
        Bar("core", "add", 0, 5, 7, 7, 0, 2),
        Bar("w", "load", 0, 0, 5, 1, 0, 1),
        Bar("w", "add", 0, 5, 7, 6, first[-1].low, first[-1].low + 1),
    ]
    assert {bar.iteration for bar in drawn} == set(range(known.epilogue // known.interval))


@examples(40, suppress_health_check=list(HealthCheck))
@given(problem=loops())
def test_bars_stay_apart_and_within_units(problem: LoopProblem) -> None:
    answer: LoopSolution = sch.solve(problem, "ims", work_limit=1)
    drawn = bars(problem, answer)
    known = phases(problem, answer)
    assert (known is None) == (not drawn and answer.interval is None)
    taken: Counter[tuple[str, int, int]] = Counter(
        (bar.row, cycle, level)
        for bar in drawn
        for cycle in range(bar.start, bar.end)
        for level in range(bar.low, bar.high)
    )
    assert max(taken.values(), default=1) == 1
    load: Counter[tuple[str, int]] = Counter()
    for row, cycle, _ in taken:
        load[row, cycle] += 1
    capacity = {unit.id: unit.capacity for unit in problem.units}
    assert all(count <= capacity.get(row, count) for (row, _), count in load.items())


def test_the_title_says_what_is_proven(solution: LoopSolution) -> None:
    assert sentence(PROBLEM, solution) == "two: an iteration every 2 cycles, proven least"
    none = LoopSolution.model_validate({"kind": "loop", "status": "infeasible"})
    assert sentence(PROBLEM, none) == "two: no pipeline (infeasible)"
    assert bars(PROBLEM, none) == []


def test_the_same_answer_gives_the_same_picture(tmp_path: Path) -> None:
    problem = cast("LoopProblem", bundled.load("flash-attention-hopper"))
    answer = sch.solve(problem, "ims", work_limit=2)
    for name in ("one.svg", "two.svg"):
        write_chart(problem, answer, tmp_path / name)
    first, second = ((tmp_path / name).read_bytes() for name in ("one.svg", "two.svg"))
    assert first == second
    for word in (b"prologue", b"steady state", b"epilogue", b"tensor", b"warps-2", b"interval "):
        assert word in first
    with pytest.raises(InputError, match=r"\.png or \.svg"):
        write_chart(problem, answer, tmp_path / "chart.html")


def test_an_answer_without_a_pipeline_is_drawn_as_such(tmp_path: Path) -> None:
    none = LoopSolution.model_validate({"kind": "loop", "status": "unknown"})
    write_chart(PROBLEM, none, tmp_path / "none.svg")
    assert b"no pipeline" in (tmp_path / "none.svg").read_bytes()
