"""Charts as files: pictures and pages, whole or not at all."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from scheduling.errors import InputError
from scheduling.models.base import Status
from scheduling.models.schedule.builder import ScheduleModel
from scheduling.models.schedule.problem import ScheduleProblem
from scheduling.models.schedule.solution import ScheduledTask, ScheduleSolution
from scheduling.report.gantt import write_gantt
from scheduling.report.html import embed_json
from scheduling.report.palette import SERIES, series_colour, text_colour
from scheduling.report.pictures import check_suffix
from scheduling.report.schedule.figures import plot_gantt, plot_history, plot_profile
from scheduling.report.schedule.layout import By
from scheduling.storage import require_place, write_whole
from tests.report import instances

SVG = "{http://www.w3.org/2000/svg}"

MAKERS: list[Callable[[], ScheduleProblem]] = [
    instances.single_machine,
    lambda: instances.job_shop(5, 4, due=True),
    instances.shop_with_breaks,
    instances.project,
    instances.multi_mode,
]


@pytest.fixture(autouse=True)
def _closed_figures() -> Iterator[None]:
    yield
    from matplotlib import pyplot as plt

    plt.close("all")


def svg_texts(path: Path) -> list[str]:
    root = ET.parse(path).getroot()
    return ["".join(node.itertext()) for node in root.iter(f"{SVG}text")]


def listing(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def page_data(text: str) -> dict[str, object]:
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', text, re.DOTALL)
    assert found is not None
    decoded: dict[str, object] = json.loads(found.group(1))
    return decoded


@pytest.mark.parametrize("make", MAKERS)
@pytest.mark.parametrize("by", ["resource", "job"])
def test_every_kind_of_problem_becomes_every_kind_of_file(
    make: Callable[[], ScheduleProblem], by: By, tmp_path: Path
) -> None:
    problem = make()
    solution = instances.greedy(problem)
    for suffix in ("png", "svg", "html"):
        write_gantt(problem, solution, tmp_path / f"chart.{suffix}", by=by)
    assert (tmp_path / "chart.png").read_bytes().startswith(b"\x89PNG")
    texts = svg_texts(tmp_path / "chart.svg")
    assert problem.name in texts
    labels = (
        [r.id for r in problem.resources if r.type != "consumable"]
        if by == "resource"
        else [job.id for job in problem.jobs]
    )
    if by == "resource" or len(problem.jobs) > 1:
        assert set(labels) <= set(texts)
    data = page_data((tmp_path / "chart.html").read_text())
    assert data["tasks"]["id"] == [task.id for task in problem.tasks]  # type: ignore[index]
    assert listing(tmp_path) == ["chart.html", "chart.png", "chart.svg"]


def test_the_same_schedule_gives_the_same_bytes(tmp_path: Path) -> None:
    problem = instances.shop_with_breaks()
    solution = instances.greedy(problem)
    for suffix in ("svg", "png", "html"):
        for name in ("one", "two"):
            write_gantt(problem, solution, tmp_path / f"{name}.{suffix}")
        one, two = (tmp_path / f"{name}.{suffix}" for name in ("one", "two"))
        assert one.read_bytes() == two.read_bytes()
    assert "<dc:date>" not in (tmp_path / "one.svg").read_text()


def test_a_users_matplotlib_settings_change_nothing(tmp_path: Path) -> None:
    import matplotlib as mpl

    problem = instances.single_machine()
    solution = instances.greedy(problem)
    write_gantt(problem, solution, tmp_path / "plain.svg")
    with mpl.rc_context({"font.size": 30, "axes.facecolor": "red", "axes.spines.left": False}):
        write_gantt(problem, solution, tmp_path / "styled.svg")
        assert mpl.rcParams["font.size"] == 30
    assert (tmp_path / "plain.svg").read_bytes() == (tmp_path / "styled.svg").read_bytes()


@pytest.mark.parametrize("status", [Status.INFEASIBLE, Status.UNKNOWN])
def test_a_solution_without_a_schedule_says_so(status: Status, tmp_path: Path) -> None:
    problem = instances.shop_with_breaks()
    solution = ScheduleSolution(status=status, solver="cp-sat", seconds=1.5)
    said = "No schedule exists" if status is Status.INFEASIBLE else "No schedule was found"
    for suffix in ("png", "svg", "html"):
        write_gantt(problem, solution, tmp_path / f"chart.{suffix}")
    assert any(said in text for text in svg_texts(tmp_path / "chart.svg"))
    page = (tmp_path / "chart.html").read_text()
    assert said in page
    assert "15 tasks of 3 jobs, none placed." in page


def test_names_with_markup_and_formulas_stay_names(tmp_path: Path) -> None:
    model = ScheduleModel("</script><script>alert('1')</script> $x_1$ & <b>")
    machine = model.add_machine("cost $5$ <!--")
    job = model.add_job("50 $ for 2 $")
    model.add_task(job, duration=30, machine=machine, name="</script> $\\frac$")
    problem = model.build()
    solution = instances.greedy(problem)
    write_gantt(problem, solution, tmp_path / "chart.svg")
    assert {problem.name, "cost $5$ <!--", "</script> $\\frac$"} <= set(
        svg_texts(tmp_path / "chart.svg")
    )
    write_gantt(problem, solution, tmp_path / "chart.html")
    page = (tmp_path / "chart.html").read_text()
    assert page.count("</script>") == 2
    assert "alert('1')" not in page
    assert page_data(page)["tasks"]["id"] == ["</script> $\\frac$"]  # type: ignore[index]


def test_pages_ask_the_network_for_nothing(tmp_path: Path) -> None:
    problem = instances.single_machine()
    write_gantt(problem, instances.greedy(problem), tmp_path / "chart.html")
    page = (tmp_path / "chart.html").read_text()
    assert "default-src 'none'" in page
    assert not re.search(r"https?://|@import|url\(|src=|<link", page)


@pytest.mark.parametrize("name", ["chart.pdf", "chart", "chart.json"])
def test_other_suffixes_are_refused(name: str, tmp_path: Path) -> None:
    problem = instances.single_machine()
    with pytest.raises(InputError, match=r"that ends in \.html, \.png or \.svg"):
        write_gantt(problem, instances.greedy(problem), tmp_path / name)
    assert not list(tmp_path.iterdir())
    assert check_suffix("A.SVG") == ".svg"


@pytest.mark.parametrize("suffix", ["html", "svg"])
def test_other_views_are_refused(suffix: str, tmp_path: Path) -> None:
    problem = instances.single_machine()
    solution = instances.greedy(problem)
    wrong: By = "machine"  # type: ignore[assignment]
    with pytest.raises(InputError, match=r"by: found 'machine', expected 'resource' or 'job'"):
        write_gantt(problem, solution, tmp_path / f"chart.{suffix}", by=wrong)


def test_a_place_that_cannot_be_written(tmp_path: Path) -> None:
    problem = instances.single_machine()
    solution = instances.greedy(problem)
    with pytest.raises(InputError, match="expected a file that can be written"):
        write_gantt(problem, solution, tmp_path / "missing" / "chart.svg")
    (tmp_path / "folder.svg").mkdir()
    with pytest.raises(InputError, match="expected a file that can be written"):
        write_gantt(problem, solution, tmp_path / "folder.svg")
    assert listing(tmp_path) == ["folder.svg"]


def test_a_failed_write_leaves_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "chart.html"
    target.write_text("old")

    def fail(self: Path, target: Path) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", fail)
    with pytest.raises(InputError, match="no space left on device"):
        write_whole(target, b"new")
    assert target.read_text() == "old"
    assert listing(tmp_path) == ["chart.html"]


def test_links_are_followed_and_pipes_written(tmp_path: Path) -> None:
    (tmp_path / "real.svg").write_text("old")
    (tmp_path / "link.svg").symlink_to("real.svg")
    write_whole(tmp_path / "link.svg", b"new")
    assert (tmp_path / "real.svg").read_text() == "new"
    assert (tmp_path / "link.svg").is_symlink()
    write_whole(Path(os.devnull), b"gone")


@pytest.mark.skipif(not Path("/dev/fd").exists(), reason="names no descriptors")
def test_a_pipe_is_written_by_the_name_of_its_descriptor() -> None:
    """What its name resolves to, such as ``pipe:[7]``, is no file."""
    read, write = os.pipe()
    try:
        require_place(Path(f"/dev/fd/{write}"))
        write_whole(Path(f"/dev/fd/{write}"), b"answer")
        assert os.read(read, 99) == b"answer"
    finally:
        os.close(read)
        os.close(write)


def test_axes_given_are_drawn_into_and_returned() -> None:
    from matplotlib import pyplot as plt

    problem = instances.shop_with_breaks()
    solution = instances.greedy(problem)
    _, axes = plt.subplots(3)
    assert plot_gantt(problem, solution, ax=axes[0]) is axes[0]
    assert plot_profile(problem, solution, "machines at work", ax=axes[1]) is axes[1]
    assert plot_history(solution, ax=axes[2]) is axes[2]
    assert axes[2].texts[0].get_text() == "No history was recorded."
    ticks = [label.get_text() for label in axes[0].get_yticklabels()]
    assert ticks == ["saw", "lathe", "mill", "drill", "paint"]


def test_slow_times_stand_in_the_legend_and_on_the_page(tmp_path: Path) -> None:
    problem = instances.slow_shop()
    times = {"x": 0, "y": 10, "z": 20}
    solution = ScheduleSolution(
        status=Status.FEASIBLE,
        tasks=tuple(ScheduledTask(task=name, start=t, end=t + 5) for name, t in times.items()),
    )
    legend = plot_gantt(problem, solution).get_legend()
    assert legend is not None
    assert [text.get_text() for text in legend.get_texts()] == ["critical", "closed", "slow"]
    write_gantt(problem, solution, tmp_path / "slow.html")
    assert '"slow":[[6,8,16,18]]' in (tmp_path / "slow.html").read_text().replace(" ", "")


def test_the_structure_of_a_gantt_chart() -> None:
    problem = instances.shop_with_breaks()
    solution = instances.greedy(problem)
    ax = plot_gantt(problem, solution)
    sizes = [len(collection.get_paths()) for collection in ax.collections]
    assert 15 in sizes
    legend = ax.get_legend()
    assert legend is not None
    labels = [text.get_text() for text in legend.get_texts()]
    assert labels == ["critical", "closed", "past the due date"]
    by_job = plot_gantt(problem, solution, by="job")
    legend = by_job.get_legend()
    assert legend is not None
    assert "due date" in [text.get_text() for text in legend.get_texts()]


def test_history_and_profile_lines() -> None:
    problem = instances.project()
    solution = instances.greedy(problem).model_copy(
        update={"history": ((0.1, 60, None), (0.2, None, 30), (0.4, 50, 44)), "seconds": 1.0}
    )
    ax = plot_history(solution)
    lines = {str(line.get_label()): line.get_xydata().tolist() for line in ax.lines}  # type: ignore[union-attr]
    assert lines == {
        "objective": [[0.1, 60], [0.4, 50], [1.0, 50]],
        "bound": [[0.2, 30], [0.4, 44], [1.0, 44]],
    }
    ax = plot_profile(problem, solution, "crane")
    assert ax.get_title(loc="left").startswith("crane, ")
    with pytest.raises(InputError, match="expected one of 'crew', 'crane', 'budget'"):
        plot_profile(problem, solution, "nothing")


def test_large_schedules_stay_light(tmp_path: Path) -> None:
    problem, solution = instances.quick_job_shop(50, 100)
    write_gantt(problem, solution, tmp_path / "chart.html")
    assert (tmp_path / "chart.html").stat().st_size < 600_000
    write_gantt(problem, solution, tmp_path / "chart.png")
    assert (tmp_path / "chart.png").stat().st_size < 2_000_000


def test_names_on_bars_can_be_read() -> None:
    def luminance(colour: str) -> float:
        values = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
        linear = [v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4 for v in values]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    for colour in SERIES:
        bright, dark = sorted([luminance(colour), luminance(text_colour(colour))], reverse=True)
        assert (bright + 0.05) / (dark + 0.05) >= 4.5, colour
    assert series_colour(len(SERIES) + 2) == SERIES[2]


def test_embedded_json_cannot_end_its_element() -> None:
    text = embed_json({"name": "</script><!--\u2028&"})
    assert not set(text) & set("<>&\u2028")
    assert json.loads(text) == {"name": "</script><!--\u2028&"}


def test_a_page_needs_no_matplotlib(tmp_path: Path) -> None:
    code = (
        "import sys\n"
        "from scheduling.report.gantt import write_gantt\n"
        "from scheduling.models.schedule.builder import ScheduleModel\n"
        "from scheduling.models.schedule.solution import ScheduleSolution\n"
        "model = ScheduleModel()\n"
        "model.add_task(model.add_job(), duration=1)\n"
        "write_gantt(model.build(), ScheduleSolution(status='unknown'), sys.argv[1])\n"
        "assert 'matplotlib' not in sys.modules\n"
    )
    target = tmp_path / "page.html"
    subprocess.run([sys.executable, "-c", code, str(target)], check=True)
    assert target.exists()


def test_overlong_answers_are_wrapped(tmp_path: Path) -> None:
    model = ScheduleModel("many tiers")
    machine = model.add_machine("m")
    model.add_task(model.add_job("j", due=3), duration=5, machine=machine, name="x")
    model.minimize(["makespan", "total_tardiness", "max_lateness", "late_jobs", "total_flow"])
    problem = model.build()
    entries = (ScheduledTask(task="x", start=0, end=5),)
    solution = instances.certified(problem, entries, 1)
    write_gantt(problem, solution, tmp_path / "chart.svg")
    said = [text for text in svg_texts(tmp_path / "chart.svg") if "not proven" in text]
    assert said
    assert "total flow" not in said[0]
