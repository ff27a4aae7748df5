"""Reports of large schedules in a browser."""

from __future__ import annotations

from pathlib import Path

from scheduling.models.schedule.problem import ScheduleProblem
from scheduling.models.schedule.solution import ScheduleSolution
from scheduling.report.results.content import (
    Axis,
    Boxes,
    Given,
    Section,
    Table,
)
from scheduling.report.results.page import render_report
from scheduling.report.results.solutions import solution_section
from tests.report import instances
from tests.report.chromium import LAPTOP, Browser


def test_fifty_thousand_boxes_follow_the_pointer(shared_browser: Browser, tmp_path: Path) -> None:
    count, per_row = 50_000, 500
    boxes = Boxes(
        "Buffers",
        Axis("time"),
        Axis("address"),
        [f"b{k}" for k in range(count)],
        [float(k % per_row) for k in range(count)],
        [k % per_row + 1.0 for k in range(count)],
        [float(k // per_row) for k in range(count)],
        [k // per_row + 1.0 for k in range(count)],
        [k % 18 for k in range(count)],
    )
    rows = [[k] for k in range(count)]
    section = Section("Many", "Many boxes.", "m", charts=[boxes], tables=[Table("T", ["k"], rows)])
    page = render_report([section], "Many")
    assert len(page.encode()) < 10e6
    target = tmp_path / "many.html"
    target.write_text(page, encoding="utf-8")
    shared_browser.window(*LAPTOP)
    shared_browser.open(target)
    assert shared_browser.evaluate("document.querySelector('canvas').dataset.shown") == str(count)
    # Following the pointer paints one mark, not every box.
    fills = shared_browser.evaluate(
        """(() => {
          const proto = CanvasRenderingContext2D.prototype, fill = proto.fillRect;
          let count = 0;
          proto.fillRect = function (...box) { count += 1; return fill.apply(this, box); };
          const canvas = document.querySelector('canvas'), r = canvas.getBoundingClientRect();
          for (let k = 0; k < 5; k++) canvas.dispatchEvent(new PointerEvent('pointermove',
            { clientX: r.left + 200 + 40 * k, clientY: r.top + 100, bubbles: true }));
          proto.fillRect = fill;
          return count;
        })()"""
    )
    assert fills < 20
    assert "b" in shared_browser.evaluate("document.getElementById('tooltip').textContent")
    more = "[...document.querySelectorAll('button')].find(b => b.textContent.startsWith('Show 1'))"
    shared_browser.evaluate(f"{more}.click()")
    assert shared_browser.evaluate("document.querySelectorAll('tbody tr').length") == 1050
    assert shared_browser.complaints() == []


def test_fifty_thousand_tasks_open_and_stay_small(shared_browser: Browser, tmp_path: Path) -> None:
    problem: ScheduleProblem
    solution: ScheduleSolution
    problem, solution = instances.quick_job_shop(250, 200)
    page = render_report(
        [solution_section(solution, "large.json", Given("large.jsp", problem))], "Large"
    )
    assert len(page.encode()) < 10e6
    target = tmp_path / "large.html"
    target.write_text(page, encoding="utf-8")
    shared_browser.window(*LAPTOP)
    shared_browser.open(target)
    count = "document.querySelector('iframe').contentDocument.getElementById('count').textContent"
    assert shared_browser.evaluate(count).startswith("50,000 tasks")
    assert shared_browser.complaints() == []
