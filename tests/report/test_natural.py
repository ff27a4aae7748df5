"""Values of objectives are shown in the units that people read."""

from __future__ import annotations

import pytest

import scheduling as sch
from scheduling.cli.output import summary
from scheduling.models.base import Status, TierValue
from scheduling.models.experts.solution import ExpertSolution
from scheduling.models.schedule.solution import ScheduleSolution
from scheduling.models.serving.solution import ServingSolution
from scheduling.report.natural import natural
from scheduling.report.results.solutions import solution_section


def experts() -> ExpertSolution:
    load = TierValue(name="load", objective=12500, bound=12000, gap=0.04)
    copied = TierValue(name="bytes", objective=7000, bound=7000, gap=0.0)
    return ExpertSolution(
        status=Status.FEASIBLE,
        objective=12500,
        bound=12000,
        gap=0.04,
        tiers=(load, copied),
        solver="lns",
        history=((0.1, 13000, None), (0.2, 12500, 12000)),
    )


def test_a_report_shows_loads_in_the_problems_unit() -> None:
    section = solution_section(experts(), "answer.json", None)
    assert section.certificate is not None
    assert section.certificate.rows == [
        ["load", "min", 12.5, 12, "4.00 %"],
        ["bytes", "min", 7000, 7000, "0.00 %"],
    ]
    assert section.answer.startswith("Load: 12.5, bytes: 7,000.")
    (chart, *_) = section.charts
    assert [series.y for series in chart.series] == [[13.0, 12.5, 12.5], [12.0, 12.0]]  # type: ignore[union-attr]


def test_the_screen_shows_loads_in_the_problems_unit(capsys: pytest.CaptureFixture[str]) -> None:
    summary(experts(), "layer")
    said = capsys.readouterr().out
    assert "12.5" in said
    assert "12 500" not in said


def test_goals_of_fleets_have_their_units() -> None:
    tiers = (
        TierValue(name="unserved", objective=0, bound=0, gap=0.0),
        TierValue(name="cost", objective=123456, bound=None),
    )
    answer = ServingSolution(status=Status.FEASIBLE, objective=123456, tiers=tiers)
    shown = natural(answer)
    assert [(t.name, t.objective, t.bound) for t in shown.tiers] == [
        ("unserved (req/s)", 0, 0),
        ("cost ($/h)", 12.3456, None),
    ]
    assert (shown.objective, shown.bound, shown.gap) == (12.3456, None, None)


def test_other_answers_are_shown_as_they_are() -> None:
    answer = ScheduleSolution(status=Status.UNKNOWN)
    assert natural(answer) is answer
    assert natural(sch.solve(sch.read("bundled:ft06"), work_limit=1)).tiers[0].name == "makespan"
