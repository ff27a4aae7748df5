from __future__ import annotations

import io
import os
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from scheduling.errors import InputError, UnsupportedError
from scheduling.instances import choosing, formats, text
from scheduling.instances.files import parse, read, read_solution, write, write_solution
from scheduling.models.base import Status
from scheduling.models.schedule.problem import Renewable, ScheduleProblem
from scheduling.models.schedule.solution import ScheduledTask, ScheduleSolution
from tests.instances.samples import FJS, JSPLIB, RCP, SAMPLES, SCH, SM, TAILLARD, YAML
from tests.instances.shop_samples import CPR, HETEROGENEOUS, SAME_LAYOUT, SHEET, STG, VIEWS

UNMISTAKABLE = [
    key for key, (name, _) in SAMPLES.items() if name not in SAME_LAYOUT and name not in VIEWS
]


@pytest.mark.parametrize("sample", UNMISTAKABLE)
def test_content_alone_tells_the_format(sample: str) -> None:
    name, content = SAMPLES[sample]
    assert choosing.detect(content, "sample.txt").name == name
    assert choosing.detect(content, "standard input").name == name


@pytest.mark.parametrize(
    ("file", "name"),
    [
        ("a.YAML", "yaml"),
        ("a.yml", "yaml"),
        ("a.json", "json"),
        ("a.fjs", "fjs"),
        ("a.sm", "psplib"),
        ("a.mm", "psplib"),
        ("a.sch", "progenmax"),
    ],
)
def test_the_ending_decides_where_it_can(file: str, name: str) -> None:
    assert choosing.detect("whatever", file).name == name
    assert choosing.for_writing(file, "schedule").name == name


def test_content_decides_between_projects_with_and_without_reservoirs() -> None:
    assert choosing.detect(RCP, "a.rcp").name == "patterson"
    assert choosing.detect(CPR, "a.rcp").name == "rcpsp-cpr"
    assert choosing.for_writing("a.rcp", "schedule").name == "patterson"


def test_content_decides_between_kinds_of_json() -> None:
    assert choosing.detect(HETEROGENEOUS, "a.json").name == "heterogeneous"
    assert choosing.detect('{"kind": "cake"}', "a.json").name == "json"
    assert choosing.detect("no json at all", "a.json").name == "json"
    assert choosing.for_writing("a.json", "schedule").name == "json"


def test_layouts_that_several_variants_share_must_be_named() -> None:
    words = r"like several formats, expected one of: osp .*, pfsp .*, nw-pfsp .*, tct-pfsp .*, pmp"
    with pytest.raises(InputError, match=words):
        choosing.detect(SHEET, "a.txt")
    for name in SAME_LAYOUT:
        assert choosing.detect(SHEET, f"a.{name}").name == name


def test_formats_with_a_number() -> None:
    many = parse(STG, "a.stg", "stg:5")
    assert isinstance(many, ScheduleProblem)
    assert many.resources == (Renewable(id="processors", capacity=5),)
    assert parse(STG, "a.stg", "stg:2") == parse(STG, "a.stg")
    crowd = parse(JSPLIB, "a.jsp", "jsplib-operators:2")
    assert isinstance(crowd, ScheduleProblem)
    assert crowd.resources[-1] == Renewable(id="operators", capacity=2)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("stg:", "found '', expected the number of processors, from 1"),
        ("stg:0", "found '0'"),
        ("stg:many", "found 'many'"),
        ("jsplib:3", "found 'jsplib:3', expected one of"),
        ("stg:3:4", "found '3:4'"),
    ],
)
def test_bad_numbers_of_formats(name: str, words: str) -> None:
    with pytest.raises(InputError, match=words):
        parse(STG, "a.stg", name)


def test_content_decides_between_the_layouts_of_job_shops() -> None:
    assert choosing.detect(JSPLIB, "a.jsp").name == "jsplib"
    assert choosing.detect(TAILLARD, "a.jsp").name == "taillard"
    assert choosing.for_writing("a.jsp", "schedule").name == "jsplib"


def test_unknown_content_lists_the_candidates() -> None:
    with pytest.raises(
        InputError,
        match=r"a\.txt: line 1.*like none.*yaml.*progenmax.*stg\[:processors\] \(.stg\)",
    ):
        choosing.detect("hello\n", "a.txt")
    with pytest.raises(InputError, match=r"like none.*one of: jsplib \(.jsp .jss\), taillard"):
        choosing.detect("hello\n", "a.jsp")


def test_ambiguous_content_lists_the_candidates(monkeypatch: pytest.MonkeyPatch) -> None:
    entry = formats.by_name("fjs")
    twin = replace(entry, name="twin", suffixes=())
    monkeypatch.setattr(choosing, "FORMATS", (*formats.FORMATS, twin))
    with pytest.raises(InputError, match=r"like several formats, .* one of: fjs.*twin.*--format"):
        choosing.detect(FJS, "a.txt")


def test_unknown_names_and_endings_list_the_formats() -> None:
    with pytest.raises(InputError, match="format: found 'xml', expected one of: yaml"):
        parse(JSPLIB, "a.txt", "xml")
    with pytest.raises(InputError, match=r"found the ending '\.xml'.*\(or name it: --to") as caught:
        choosing.for_writing("a.xml", "schedule")
    assert "psplib" in str(caught.value)
    assert "openb" not in str(caught.value)
    with pytest.raises(InputError, match="found no ending"):
        choosing.for_writing("plain", "schedule")


@pytest.mark.parametrize("sample", SAMPLES)
def test_byte_order_mark_and_line_ends_change_nothing(sample: str, tmp_path: Path) -> None:
    name, content = SAMPLES[sample]
    plain = parse(content, "sample.txt", name)
    for data in (
        b"\xef\xbb\xbf" + content.encode(),
        content.replace("\n", "\r\n").encode(),
        content.replace("\n", "\r").encode(),
        content.encode() + b"\x1a",
        content.rstrip("\n").encode(),
    ):
        path = tmp_path / "sample.txt"
        path.write_bytes(data)
        assert read(path, name) == plain


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"1 1\n0 \xff\n", "line 2: found byte 0xff, expected text in UTF-8"),
        (b"1 1\n0 1\n\0", "line 3: found a zero byte"),
        ("1 1\n0 1\n".encode("utf-16"), "expected text"),
        (b"\x1f\x8b\x08\x00", "expected text"),
        (b"", "like none of the formats"),
    ],
)
def test_what_is_not_text_is_refused(data: bytes, words: str, tmp_path: Path) -> None:
    path = tmp_path / "broken.jsp"
    path.write_bytes(data)
    with pytest.raises(InputError, match=words) as caught:
        read(path)
    assert str(path) in str(caught.value)


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"missing\.jsp: file: found no such file"):
        read(tmp_path / "missing.jsp")
    with pytest.raises(InputError, match="is a directory"):
        read(tmp_path)
    with pytest.raises(InputError, match="expected a file name"):
        read("a\0b.jsp")


def test_large_files_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(text, "MAX_BYTES", 10)
    with pytest.raises(InputError, match="at most 10"):
        text.decode(b"x" * 11, "big.jsp")


def test_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = io.TextIOWrapper(io.BytesIO(SCH.encode()))
    monkeypatch.setattr(sys, "stdin", stream)
    problem = read("-")
    assert problem.name is None
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"?")))
    with pytest.raises(InputError, match="standard input: line 1"):
        read("-")


@pytest.mark.parametrize("sample", [key for key in SAMPLES if key != "workflow"])
def test_write_then_read(sample: str, tmp_path: Path) -> None:
    name, content = SAMPLES[sample]
    problem = parse(content, "copy", name)
    path = tmp_path / "copy.any"
    write(problem, path, name)
    again = read(path, name)
    assert again == problem
    assert [entry.name for entry in tmp_path.iterdir()] == ["copy.any"]


def test_a_refused_write_leaves_the_old_file_alone(tmp_path: Path) -> None:
    path = tmp_path / "old.jsp"
    path.write_text("old")
    with pytest.raises(UnsupportedError, match="format jsplib cannot hold renewables"):
        write(parse(RCP, "a.rcp"), path)
    with pytest.raises(UnsupportedError, match="due dates"):
        write(parse(YAML.replace("crew", "c"), "a.yaml"), tmp_path / "old.fjs", "patterson")
    assert path.read_text() == "old"
    assert [entry.name for entry in tmp_path.iterdir()] == ["old.jsp"]


def test_a_failed_write_names_the_file(tmp_path: Path) -> None:
    problem = parse(JSPLIB, "a.jsp")
    with pytest.raises(InputError, match=r"none.a\.jsp: file: found no such file"):
        write(problem, tmp_path / "none" / "a.jsp")
    folder = tmp_path / "folder.jsp"
    folder.mkdir()
    with pytest.raises(InputError, match="expected a file that can be written"):
        write(problem, folder)
    assert [entry.name for entry in tmp_path.iterdir()] == ["folder.jsp"]


def test_writing_through_a_link_keeps_the_link(tmp_path: Path) -> None:
    target, link = tmp_path / "target.jsp", tmp_path / "link.jsp"
    target.write_text("old")
    link.symlink_to(target)
    write(parse(JSPLIB, "a.jsp"), link)
    assert link.is_symlink()
    assert target.read_text().startswith("3 3\n")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_writing_to_a_device(capfd: pytest.CaptureFixture[str]) -> None:
    write(parse(JSPLIB, "a.jsp"), "/dev/null", "jsplib")


def test_solution_files(tmp_path: Path) -> None:
    solution = ScheduleSolution(
        status=Status.FEASIBLE,
        objective=9,
        bound=8,
        gap=1 / 9,
        solver="cp-sat",
        seconds=0.5,
        history=((0.1, 9, None), (0.2, 9, 8)),
        problem="tiny",
        tasks=(ScheduledTask(task="cut", start=0, end=3),),
    )
    path = tmp_path / "solution.json"
    write_solution(solution, path)
    assert read_solution(path) == solution
    begin = '{\n "schema": "scheduling/solution-schedule/1",\n "kind": "schedule",\n "status": "'
    assert path.read_text().startswith(begin)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("[]", "line 1: found '\\[\\]', expected a mapping"),
        ('{"status": "optimal"}', "line 1, kind: found nothing"),
        ('{\n"kind": "schedule",\n"status": "best"}', "line 3, status: found 'best'"),
        ('{"kind": "schedule",\n "status": "unknown",\n "bound": Infinity}', "finite"),
        ('{"kind": "schedule",', "line 1: found the end"),
    ],
)
def test_bad_solution_files(content: str, words: str, tmp_path: Path) -> None:
    path = tmp_path / "solution.json"
    path.write_text(content)
    with pytest.raises(InputError, match=words):
        read_solution(path)


def test_reading_psplib_by_ending(tmp_path: Path) -> None:
    path = tmp_path / "x.sm"
    path.write_text(SM)
    assert read(str(path)).name == "x"
