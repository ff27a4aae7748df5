"""The report without a mouse, or without sight: names, headings, focus and contrast."""

from __future__ import annotations

from pathlib import Path

import pytest

from scheduling.report.results.content import Axis, Bars, Given, Lines, Section, Series, Table
from scheduling.report.results.page import render_report
from scheduling.report.results.solutions import solution_section
from tests.report import instances
from tests.report.chromium import LAPTOP, PHONE, Browser

pytestmark = pytest.mark.browser

_FAULTS = Path(__file__).with_name("accessible.js").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    problem, solution = instances.quick_job_shop(30, 5)
    shop = solution_section(solution, "shop.json", Given("shop.jsp", problem))
    series = [Series(name, [1.0, 2.0], [3.0, 4.0], "step") for name in ("first", "second")]
    drawn = Section(
        "Drawn",
        "An answer.",
        "drawn.json",
        charts=[
            Lines("Curves", Axis("x"), Axis("y"), series),
            Bars("Amounts", Axis("GPUs"), ["a", "b"], [("p", [1.0, None]), ("q", [2.0, 3.0])]),
        ],
        tables=[Table("Many", ["name", "value"], [[f"row {k}", k] for k in range(60)])],
    )
    target = tmp_path_factory.mktemp("accessible") / "report.html"
    target.write_text(render_report([shop, drawn], "Two results"), encoding="utf-8")
    return target


@pytest.mark.parametrize("size", [LAPTOP, PHONE])
@pytest.mark.parametrize("dark", [False, True])
def test_all_that_can_be_reached_has_a_name_a_place_and_is_seen(
    shared_browser: Browser, path: Path, size: tuple[int, int], dark: bool
) -> None:
    shared_browser.window(*size, dark=dark, touch=size == PHONE)
    shared_browser.open(path)
    assert shared_browser.evaluate(_FAULTS) == []
    assert shared_browser.complaints() == []


def test_what_is_wrong_is_found(shared_browser: Browser, path: Path) -> None:
    shared_browser.window(*LAPTOP)
    shared_browser.open(path)
    shared_browser.evaluate(
        "document.body.insertAdjacentHTML('beforeend', '<button></button><h4>x</h4>"
        '<p style="color: #aaa; background: #fff">faint</p><table><tr><th>y</th></tr></table>'
        '<a href="#x" style="outline: none">z</a>\')'
    )
    found = {fault.split(":")[0] for fault in shared_browser.evaluate(_FAULTS)}
    assert found >= {"no name", "faint", "no scope", "unseen focus"}
