"""Runs what the README and the documentation show, so that no page shows what does not work."""

from __future__ import annotations

import doctest
import re
from importlib import import_module
from pathlib import Path

import pytest

from docs.pages import blocks_of, commands_of, output_of, pictures_of, run_page
from scheduling.instances.generators import GENERATORS
from scheduling.report.charts import kinds_with_charts

ROOT = Path(__file__).resolve().parents[2]
SHOWN = sorted(
    path for path in (ROOT / "scheduling").rglob("*.py") if ">>> " in path.read_text("utf-8")
)
PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").rglob("*.md")])


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_page_runs(page: Path, tmp_path: Path) -> None:
    run_page(page, tmp_path)
    for name in pictures_of(page.read_text(encoding="utf-8")):
        assert (tmp_path / name).stat().st_size > 0, f"the page shows {name} and does not draw it"


@pytest.mark.parametrize("path", SHOWN, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_examples_of_docstrings_run(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    parts = path.relative_to(ROOT).with_suffix("").parts
    module = import_module(".".join(part for part in parts if part != "__init__"))
    monkeypatch.chdir(tmp_path)
    ran = doctest.testmod(module)
    assert ran.attempted > 0
    assert ran.failed == 0


def test_the_gallery_has_a_chart_of_every_kind_that_has_one() -> None:
    text = (ROOT / "docs/gallery.md").read_text(encoding="utf-8")
    drawn = set(re.findall(r"scheduling solve (\S+) .*--gantt", text))
    made = re.findall(r"scheduling generate ([\w-]+) .*?-o (\S+)", text)
    shown = {GENERATORS[name].family for name, file in made if file in drawn}
    missing = kinds_with_charts() - {*shown, "schedule"}
    assert not missing, f"docs/gallery.md shows no chart of: {', '.join(sorted(missing))}"


def test_blocks_are_found_with_their_remarks() -> None:
    text = (
        "text\n\n```python\nx = 1\n```\n\n"
        "<!-- exits: 3 -->\n```console\n$ scheduling a \\\n  b\nout\n$ scheduling c\n```\n\n"
        "<!-- file: f.yaml -->\n\n```yaml\nkind: x\n```\n"
        "![a](_pictures/a.svg) {download}`b <_pictures/b.html>`\n"
        "<!-- says: 2 -->\n```console\n$ scheduling d\nerror: no d\n```\n"
    )
    python, console, yaml, said = blocks_of(text)
    assert (python.line, python.language, python.body) == (4, "python", "x = 1\n")
    assert console.exits == 3
    assert not console.says
    assert [command.split() for command in commands_of(console)] == [
        ["scheduling", "a", "b"],
        ["scheduling", "c"],
    ]
    assert (yaml.file, yaml.body) == ("f.yaml", "kind: x\n")
    assert (said.says, said.exits, output_of(said)) == (True, 2, ["error: no d"])
    assert pictures_of(text) == ["a.svg", "b.html"]


def test_what_a_page_says_must_be_printed(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    text = "<!-- says: 2 -->\n```console\n$ scheduling info no-such.yaml\n{}\n```\n"
    page.write_text(text.format("error: no-such.yaml: file:   found no such"))
    run_page(page, tmp_path)
    page.write_text(text.format("error: all is well"))
    with pytest.raises(AssertionError, match="not said: error: all is well"):
        run_page(page, tmp_path)
