"""The report in a real browser, opened from a file."""

from __future__ import annotations

import math
from collections.abc import Iterator
from importlib.resources import files
from itertools import pairwise
from pathlib import Path

import pytest

import scheduling as sch
from scheduling.instances.generators import generate
from scheduling.models.schedule.solution import ScheduleSolution
from scheduling.report.results.content import (
    LINE,
    Axis,
    Bars,
    Boxes,
    Given,
    Lines,
    Mark,
    RowBar,
    Section,
    Series,
    Table,
)
from scheduling.report.results.page import render_report
from scheduling.report.results.solutions import solution_section
from tests.report.chromium import LAPTOP, PHONE, Browser

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    problem = generate("job-shop", {"jobs": "4", "machines": "3"})
    solution = sch.solve(problem, time_limit=5)
    shop = solution_section(solution, "<b>shop</b>.json", Given("shop.yaml", problem))
    series = [
        Series("one", [1, 10, 100], [1, 2, 3], notes=("", "the middle", "")),
        Series("two", [1, 10, 100], [3, 2.5, 1], "step", dashed=True),
        Series("three", [5], [2], "points"),
    ]
    boxes = Boxes(
        "Nodes",
        Axis("share"),
        Axis("node"),
        [f"pod-{k}" for k in range(30)],
        [10 * (k % 10) for k in range(30)],
        [10 * (k % 10) + 8 for k in range(30)],
        [k // 10 + 0.1 for k in range(30)],
        [k // 10 + 0.9 for k in range(30)],
        [k % 3 for k in range(30)],
        rows=["n0", "n1", "n2"],
        legend=("stays", "moves", "comes"),
        notes=["moves from n2" if k % 3 == 1 or k == 5 else "" for k in range(30)],
    )
    drawn = Section(
        "Drawn </script><script>broken()",
        "An answer.",
        "drawn.json",
        charts=[
            Lines("Curves", Axis("x", log=True), Axis("y"), series),
            boxes,
            Bars("Amounts", Axis("GPUs"), ["a", "b"], [("p", [1.0, None]), ("q", [2.0, 3.0])]),
        ],
        tables=[Table("Many", ["name", "value"], [[f"row {k}", 60 - k] for k in range(60)])],
    )
    target = tmp_path_factory.mktemp("report") / "report.html"
    target.write_text(render_report([shop, drawn], "Two results"), encoding="utf-8")
    return target


@pytest.fixture
def browser(shared_browser: Browser, path: Path) -> Iterator[Browser]:
    shared_browser.window(*LAPTOP)
    shared_browser.open(path)
    yield shared_browser
    assert shared_browser.complaints() == []


def chart(browser: Browser, number: int, name: str) -> float:
    found = browser.evaluate(
        f"document.querySelectorAll('#result-2 canvas')[{number}].dataset['{name}']"
    )
    return float(found)


def press(browser: Browser, selector: str) -> None:
    browser.evaluate(f"document.querySelector({selector!r}).click()")
    browser.settle()


def test_every_result_has_its_answer_and_parts(browser: Browser) -> None:
    titles = browser.evaluate("[...document.querySelectorAll('h2')].map(h => h.textContent)")
    assert titles[1] == "Drawn </script><script>broken()"
    links = browser.evaluate("[...document.querySelectorAll('#contents a')].map(a => a.hash)")
    assert links == ["#result-1", "#result-2"]
    sources = browser.evaluate("[...document.querySelectorAll('.source')].map(p => p.textContent)")
    assert sources == ["From <b>shop</b>.json", "From drawn.json"]
    code = browser.evaluate("document.querySelector('#result-1 code').textContent")
    assert code == "scheduling solve shop.yaml --solver auto"
    assert browser.evaluate("document.querySelectorAll('#result-2 canvas').length") == 3


def test_the_gantt_chart_is_inside_at_its_full_height(browser: Browser) -> None:
    inner = "document.querySelector('iframe').contentDocument"
    rows = browser.evaluate(f"{inner}.querySelectorAll('tbody tr').length")
    assert rows == 12
    assert browser.evaluate(f"{inner}.querySelector('header').hidden") is True
    tall = browser.evaluate("document.querySelector('iframe').clientHeight")
    assert tall >= browser.evaluate(f"{inner}.body.scrollHeight")
    press(browser, "#theme")
    assert browser.evaluate(f"{inner}.documentElement.dataset.theme") == browser.evaluate(
        "document.documentElement.dataset.theme"
    )


def test_charts_zoom_and_come_back(browser: Browser) -> None:
    whole = chart(browser, 1, "from"), chart(browser, 1, "to")
    assert whole == (0, 98)
    press(browser, "#result-2 [aria-label='Zoom in: Nodes']")
    assert chart(browser, 1, "from") > 0
    assert chart(browser, 1, "to") < 98
    press(browser, "#result-2 [aria-label='Show everything: Nodes']")
    assert (chart(browser, 1, "from"), chart(browser, 1, "to")) == whole
    browser.evaluate("document.querySelectorAll('#result-2 canvas')[1].scrollIntoView()")
    left, top, width, height = browser.evaluate(
        "(r => [r.left, r.top, r.width, r.height])"
        "(document.querySelectorAll('#result-2 canvas')[1].getBoundingClientRect())"
    )
    y = top + height / 3
    browser.drag(left + 0.4 * width, y, left + 0.6 * width, y)
    assert 30 < chart(browser, 1, "from") < 50
    assert 50 < chart(browser, 1, "to") < 70


def test_series_and_boxes_are_filtered(browser: Browser) -> None:
    assert chart(browser, 0, "shown") == 3
    press(browser, "#result-2 .legend button")
    assert chart(browser, 0, "shown") == 2
    pressed = browser.evaluate(
        "document.querySelector('#result-2 .legend button').getAttribute('aria-pressed')"
    )
    assert pressed == "false"
    browser.evaluate(
        "(f => {f.value = 'n1, pod-29'; f.dispatchEvent(new Event('input'))})"
        "(document.querySelector('#result-2 .tools input'))"
    )
    browser.settle()
    assert chart(browser, 1, "shown") == 11


def test_keys_step_through_values_and_say_them(browser: Browser) -> None:
    browser.evaluate("document.querySelector('#result-2 canvas').focus()")
    for key in ("ArrowRight", "ArrowRight"):
        browser.key(key)
    spoken = browser.evaluate("document.querySelector('#result-2 .unseen').textContent")
    assert spoken == "one: x 10, y 2,  the middle"
    browser.key("ArrowDown")
    spoken = browser.evaluate("document.querySelector('#result-2 .unseen').textContent")
    assert spoken == "two: x 10, y 2.5"
    tip = browser.evaluate("document.getElementById('tooltip').textContent")
    assert "two" in tip
    browser.key("Escape")
    assert browser.evaluate("document.getElementById('tooltip').hidden") is True


def test_tables_sort_filter_and_show_all(browser: Browser) -> None:
    rows = "document.querySelectorAll('#result-2 .block:last-child tbody tr')"
    assert browser.evaluate(f"{rows}.length") == 50
    press(
        browser, "#result-2 .block:last-child .block > button, #result-2 .block:last-child > button"
    )
    assert browser.evaluate(f"{rows}.length") == 60
    press(browser, "#result-2 .block:last-child th:last-child button")
    assert browser.evaluate(f"{rows}[0].textContent") == "row 591"
    browser.evaluate(
        "(f => {f.value = 'row 7'; f.dispatchEvent(new Event('input'))})"
        "(document.querySelector('#result-2 .block:last-child input'))"
    )
    assert browser.evaluate(f"{rows}.length") == 1


@pytest.mark.parametrize("dark", [False, True])
def test_a_phone_shows_it_without_scrolling_sideways(
    shared_browser: Browser, path: Path, dark: bool
) -> None:
    shared_browser.window(*PHONE, dark=dark, touch=True)
    shared_browser.open(path)
    wide = shared_browser.evaluate("document.documentElement.scrollWidth")
    assert wide <= PHONE[0]
    certificate = "[...document.querySelector('table').querySelectorAll('td')]"
    ends = f"Math.max(...{certificate}.map((cell) => cell.getBoundingClientRect().right))"
    assert shared_browser.evaluate(ends) <= PHONE[0]
    ground = shared_browser.evaluate("getComputedStyle(document.body).backgroundColor")
    assert ground == ("rgb(18, 24, 31)" if dark else "rgb(255, 255, 255)")
    assert shared_browser.complaints() == []


def test_names_that_do_not_fit_keep_their_ends(shared_browser: Browser, path: Path) -> None:
    shared_browser.open(path)
    code = (files("scheduling.report") / "templates" / "format.js").read_text(encoding="utf-8")
    for width, shown in ((20, "last of sequence 940"), (11, "last …e 940"), (2, "")):
        width_of = "{measureText: (text) => ({width: text.length})}"
        call = f'fitText({width_of}, "last of sequence 940", {width})'
        found = shared_browser.evaluate(f"(() => {{{code}; return {call}; }})()")
        assert found == shown


def picture(browser: Browser, number: int) -> str:
    """Return what a canvas shows."""
    shown: str = browser.evaluate(
        f"document.querySelectorAll('#result-2 canvas')[{number}].toDataURL()"
    )
    return shown


def test_pointing_marks_a_box_and_leaving_brings_the_picture_back(browser: Browser) -> None:
    browser.evaluate("document.querySelectorAll('#result-2 canvas')[1].scrollIntoView()")
    left, top, width, height = browser.evaluate(
        "(r => [r.left, r.top, r.width, r.height])"
        "(document.querySelectorAll('#result-2 canvas')[1].getBoundingClientRect())"
    )
    before = picture(browser, 1)
    browser.mouse("mouseMoved", left + 0.5 * width, top + 0.25 * height)
    browser.settle()
    assert picture(browser, 1) != before
    tip = browser.evaluate("document.getElementById('tooltip').textContent")
    assert "n0" in tip
    assert "moves from n2" in tip
    browser.mouse("mouseMoved", left + 0.5 * width, top - 30)
    browser.settle()
    assert picture(browser, 1) == before
    browser.evaluate("document.querySelectorAll('#result-2 canvas')[2].focus()")
    browser.key("ArrowRight")
    spoken = browser.evaluate("document.querySelectorAll('#result-2 .unseen')[2].textContent")
    assert spoken.startswith("a, p: GPUs 0 to 1")
    press(browser, "#result-2 [aria-label='Zoom in: Nodes']")
    assert picture(browser, 1) != before
    press(browser, "#result-2 [aria-label='Show everything: Nodes']")
    assert picture(browser, 1) == before


def test_colours_are_those_of_the_legend(browser: Browser) -> None:
    """The middle of a box has its group's colour; lines stand out from light and dark grounds."""
    pixel = (
        "(c => [...c.getContext('2d').getImageData(Math.round(c.width * X), "
        "Math.round(c.height * Y), 1, 1).data.slice(0, 3)])"
        "(document.querySelectorAll('#result-2 canvas')[1])"
    )
    # The first box of the first row, left of its name.
    found = browser.evaluate(pixel.replace("X", "0.06").replace("Y", "0.2"))
    legend = browser.evaluate(
        "[...document.querySelectorAll('#result-2 .legend .fixed i')].map(i => i.style.borderColor)"
    )
    assert f"rgb({', '.join(map(str, found))})" == legend[0]
    lines = "document.querySelector('#result-2 .legend button i').style.borderColor"
    light = browser.evaluate(lines)
    press(browser, "#theme")
    assert browser.evaluate(lines) != light


def test_marks_and_long_numbers_are_in_sight(shared_browser: Browser, tmp_path: Path) -> None:
    bars = [RowBar("copy", 0, 80, 0, 0), RowBar("room", 0, 100, 0, LINE, shelf=(0.94, 1.0))]
    loads = Boxes.in_rows(
        "Loads",
        Axis("load"),
        Axis("device"),
        bars,
        ["gpu"],
        legend=("is there",),
        marks=[Mark("mean", 50), Mark("limit", 100)],
    )
    large = Lines("Large", Axis("x"), Axis("y"), [Series("s", [1, 2], [123_456_789, 123_456_999])])
    target = tmp_path / "marks.html"
    section = Section("Marks", "An answer.", "m.json", charts=[loads, large])
    target.write_text(render_report([section], "Marks"), encoding="utf-8")
    shared_browser.window(*LAPTOP)
    shared_browser.open(target)
    legend = shared_browser.evaluate(
        "[...document.querySelectorAll('.legend .fixed')].map(li => li.textContent)"
    )
    assert legend == ["is there", "mean: 50", "limit: 100"]
    label = shared_browser.evaluate("document.querySelector('canvas').getAttribute('aria-label')")
    assert "mean: 50" in label
    # The mark at the end has room beside it, and crosses the bar; dashes are 6 on, 4 off.
    assert shared_browser.evaluate("Number(document.querySelector('canvas').dataset.to)") == 101
    columns = shared_browser.evaluate(
        """[...document.querySelectorAll('canvas')].map((c, k) => {
          const pen = c.getContext('2d'), wide = Math.round(k ? 2 : c.width);
          const pixels = pen.getImageData(0, 0, wide, c.height).data;
          const found = new Set();
          for (let i = 0; i < pixels.length; i += 4) found.add([...pixels.slice(i, i + 4)].join());
          return [...found];
        })"""
    )
    ink, late, muted = ("28,39,51,255", "213,94,0,255", "91,104,117,255")
    assert {ink, late, muted} <= set(columns[0])
    # No number reaches the left edge, where it would be cut.
    assert columns[1] == ["0,0,0,0"]
    assert shared_browser.complaints() == []


def test_equal_lines_both_show_and_are_both_named(shared_browser: Browser, tmp_path: Path) -> None:
    lines = Lines(
        "Loads",
        Axis("link"),
        Axis("load"),
        [
            Series("up", [1, 2, 3, 4], [3, 3, 3, 2], "step"),
            Series("down", [1, 2, 3, 4], [3, 3, 3, 1], "step"),
        ],
    )
    target = tmp_path / "equal.html"
    section = Section("Equal", "An answer.", "e.json", charts=[lines])
    target.write_text(render_report([section], "Equal"), encoding="utf-8")
    shared_browser.window(*LAPTOP)
    shared_browser.open(target)
    colours = shared_browser.evaluate(
        """(c => {
          const wide = Math.round(c.width / 2);
          const pixels = c.getContext('2d').getImageData(wide, 0, 1, c.height).data;
          const found = [];
          for (let i = 0; i < pixels.length; i += 4) {
            found.push(`rgb(${[...pixels.slice(i, i + 3)].join(', ')})`);
          }
          return found;
        })(document.querySelector('canvas'))"""
    )
    legend = shared_browser.evaluate(
        "[...document.querySelectorAll('.legend i')].map(i => i.style.borderColor)"
    )
    assert len(set(legend)) == 2
    assert set(legend) <= set(colours)
    shared_browser.evaluate("document.querySelector('canvas').focus()")
    shared_browser.key("ArrowRight")
    spoken = "document.querySelector('figure .unseen').textContent"
    assert shared_browser.evaluate(spoken) == "up, down: link 1, load 3"
    for _ in range(3):
        shared_browser.key("ArrowRight")
    assert shared_browser.evaluate(spoken) == "up: link 4, load 2"
    assert shared_browser.complaints() == []


@pytest.mark.parametrize("width", [60, 130, 260, 520, 1300])
@pytest.mark.parametrize(("low", "high"), [(80, 40_000), (0.02, 3), (1, 1e9)])
def test_numbers_of_logarithmic_axes_do_not_touch(
    shared_browser: Browser, path: Path, width: int, low: float, high: float
) -> None:
    """Each number has about the room of one, and at least one is there."""
    shared_browser.open(path)
    templates = files("scheduling.report") / "templates"
    code = (templates / "plot.js").read_text(encoding="utf-8")
    call = f"new Scale({low}, {high}, {{log: true}}).ticks({width}, 70)"
    found = shared_browser.evaluate(f"(() => {{{code}; return {call}; }})()")
    apart = width / math.log10(high / low)
    gaps = [apart * math.log10(b / a) for a, b in pairwise(found)]
    assert found
    assert min(gaps, default=56) >= 55.9


def test_violations_stand_before_everything_else(shared_browser: Browser, tmp_path: Path) -> None:
    problem = generate("job-shop", {"jobs": "2", "machines": "2"})
    solution = sch.solve(problem, time_limit=60)
    assert isinstance(solution, ScheduleSolution)
    late = solution.tasks[0].model_copy(update={"end": solution.tasks[0].end + 1})
    broken = solution.model_copy(update={"tasks": (late, *solution.tasks[1:])})
    target = tmp_path / "broken.html"
    section = solution_section(broken, "s.json", Given("p.yaml", problem))
    target.write_text(render_report([section], "Broken"), encoding="utf-8")
    shared_browser.window(*LAPTOP)
    shared_browser.open(target)
    alarm = shared_browser.evaluate("document.querySelector('[role=alert]').textContent")
    assert "The independent check against p.yaml fails" in alarm
    assert "duration" in alarm
    order = shared_browser.evaluate(
        "[...document.querySelector('.result').children].map(e => e.className)"
    )
    assert order[:4] == ["", "answer", "source", "alarm"]
    assert shared_browser.complaints() == []
