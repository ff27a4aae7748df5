"""Charts of memory: what is drawn, in which unit, and what the title says."""

from __future__ import annotations

from pathlib import Path

import pytest

import scheduling as sch
from scheduling.errors import InputError
from scheduling.models.memory.problem import Buffer, Gap, MemoryProblem
from scheduling.models.memory.solution import MemorySolution
from scheduling.report.charts import write_chart
from scheduling.report.memory.chart import rectangles, scale, sentence

PROBLEM = MemoryProblem(
    name="two",
    buffers=(
        Buffer(id="a", start=0, end=9, size=4096, gaps=(Gap(start=3, end=5),)),
        Buffer(id="b", start=3, end=5, size=20480),
    ),
    capacity=20480,
)


@pytest.fixture
def solution() -> MemorySolution:
    found: MemorySolution = sch.solve(PROBLEM, "first-fit", work_limit=1)
    return found


def test_a_gap_leaves_a_hole(solution: MemorySolution) -> None:
    drawn = {(r.buffer, r.start, r.end, r.offset, r.size) for r in rectangles(PROBLEM, solution)}
    assert drawn == {("a", 0, 3, 0, 4096), ("a", 5, 9, 0, 4096), ("b", 3, 5, 0, 20480)}


def test_the_title_says_what_is_proven(solution: MemorySolution) -> None:
    assert scale(PROBLEM, solution) == (1024, "KiB")
    assert sentence(PROBLEM, solution) == "two: 20 KiB, proven least"
    none = MemorySolution.model_validate({"kind": "memory", "status": "infeasible"})
    assert sentence(PROBLEM, none) == "two: no allocation (infeasible)"


def test_the_same_answer_gives_the_same_picture(tmp_path: Path, solution: MemorySolution) -> None:
    for name in ("one.svg", "two.svg"):
        write_chart(PROBLEM, solution, tmp_path / name)
    first, second = ((tmp_path / name).read_bytes() for name in ("one.svg", "two.svg"))
    assert first == second
    assert b"proven least" in first
    with pytest.raises(InputError, match=r"\.png or \.svg"):
        write_chart(PROBLEM, solution, tmp_path / "chart.html")
