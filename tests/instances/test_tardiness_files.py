"""Files of tardiness on one machine: layouts, choice of an instance, faults, damaged files."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scheduling.errors import InputError, UnsupportedError
from scheduling.instances import choosing, formats
from scheduling.instances.files import read, write
from scheduling.instances.schedule.tardiness import Jobs, random_tardiness
from scheduling.models.schedule.problem import ScheduleProblem
from tests.instances.samples import SAMPLES
from tests.instances.test_fuzz import damaged_lines, damaged_tokens

WT = "3 1 4 1 5\n9 2 6 5 3\n5 8 9 7 9\n"
WT_PAIR = "3 1\n4 2\n5\n9\n7 1 6\n2\n5\n8\n"
SDT = "3 5\n1 8\n4 9\n1 7\n5 9\n"
JSONL = (
    '{"name": "a", "n": 2, "p": [3, 1], "w": [2, 5], "d": [4, 9]}\n'
    '{"name": "b", "n": 1, "p": [7], "d": [6]}\n'
)
TEXTS = {"wt": WT, "sdt": SDT, "tardiness-jsonl": JSONL}


def parse(name: str, text: str, source: str = "sample.txt") -> ScheduleProblem:
    problem = formats.by_name(name).read(text, source)
    assert isinstance(problem, ScheduleProblem)
    return problem


def facts(problem: ScheduleProblem) -> list[tuple[int, int | None, int]]:
    assert [resource.type for resource in problem.resources] == ["machine"]
    assert problem.objective.tiers[0].name == "total_tardiness"
    return [(job.tasks[0].modes[0].duration, job.due, job.weight) for job in problem.jobs]


def test_three_lines_are_durations_weights_and_due_dates() -> None:
    problem = parse("wt", WT)
    assert problem.name == "sample"
    assert facts(problem) == [(3, 5, 9), (1, 8, 2), (4, 9, 6), (1, 7, 5), (5, 9, 3)]


def test_the_name_tells_the_size_and_a_fragment_chooses() -> None:
    first, second = (parse("wt", WT_PAIR, f"data/wt2.txt#{k}") for k in (1, 2))
    assert (first.name, facts(first)) == ("wt2_001", [(3, 5, 4), (1, 9, 2)])
    assert second.name == "wt2_002"
    assert facts(second) == [(7, 5, 6), (1, 8, 2)]
    assert parse("wt", WT_PAIR, "wt2.txt#wt2_002") == second


def test_sdt_pairs() -> None:
    assert facts(parse("sdt", SDT))[:2] == [(3, 5, 1), (1, 8, 1)]


def test_json_lines_by_name_and_number() -> None:
    assert facts(parse("tardiness-jsonl", JSONL, "x.jsonl#a")) == [(3, 4, 2), (1, 9, 5)]
    assert facts(parse("tardiness-jsonl", JSONL, "x.jsonl#2")) == [(7, 6, 1)]


def test_files_with_a_fragment(tmp_path: Path) -> None:
    (tmp_path / "wt2.txt").write_text(WT_PAIR)
    (tmp_path / "all.jsonl").write_text(JSONL)
    pair = read(tmp_path / "wt2.txt#2", "wt")
    assert pair.name == "wt2_002"
    assert read(f"{tmp_path}/all.jsonl#b").name == "b"
    with pytest.raises(InputError, match=r"file: found 2 instances, expected one of") as caught:
        read(tmp_path / "wt2.txt", "wt")
    advice = str(caught.value).rsplit("such as ", 1)[1]
    assert read(advice, "wt").name == "wt2_001"
    for wrong in ("3", "0", "c", ""):
        with pytest.raises(InputError, match="expected a number from 1 to 2 or an instance's name"):
            read(f"{tmp_path}/all.jsonl#{wrong}")
    odd = tmp_path / "odd#name.yaml"
    odd.write_text(SAMPLES["yaml"][1])
    assert read(odd).name == "tiny"


@pytest.mark.parametrize("name", ["wt", "sdt"])
def test_content_tells_the_format(name: str) -> None:
    assert choosing.detect(TEXTS[name], "plain.txt").name == name
    assert choosing.detect(JSONL, "x.jsonl#a").name == "tardiness-jsonl"
    for sample in ("yaml", "json", "jsplib", "fjs", "sm", "mm", "patterson", "progenmax"):
        form, text = SAMPLES[sample]
        assert choosing.detect(text, "plain.txt").name == form


FAULTS = {
    "wt: short": ("wt", "1 2 3\n4 5\n6 7 8\n", "a.txt", "line 2: found 2 entries, expected 3"),
    "wt: two lines": ("wt", "1 2\n3 4\n", "a.txt", "line 3: found the end of the file"),
    "wt: more": ("wt", WT + "1\n", "a.txt", "line 4: found '1', expected the end"),
    "wt: weight": ("wt", "1\n1000001\n1\n", "a.txt", "line 2.*from 0 to 1000000"),
    "wt: word": ("wt", "1 x\n1 1\n1 1\n", "a.txt", "line 1: found 'x', expected an integer"),
    "wt: sign": ("wt", "1 2\n1 1\n1 -1\n", "a.txt", "line 3: found '-1', expected an integer"),
    "wt: rest": ("wt", WT_PAIR + "1\n", "wt2.txt", "line 9: found 1 durations of instance 3"),
    "wt: lost": ("wt", "1 2 3 4 5", "wt2.txt", "line 1: found 1 due dates of instance 1 at"),
    "wt: empty": ("wt", "", "wt2.txt", "line 1: found 0 durations of instance 1"),
    "wt: heavy": ("wt", "1\n2\n3000000\n1 1 1", "wt2.txt#1", "line 3: found '3000000', expected"),
    "wt: none": ("wt", "1 2", "wt0.txt", "file name: found 'wt0'"),
    "sdt: triple": ("sdt", "1 2\n1 2 3\n", "a.txt", "line 2: found 3 entries, expected 2"),
    "sdt: count": ("sdt", SDT, "SDT_6_0.2_0.4_1.txt", "line 5: found 5 jobs, expected 6"),
    "sdt: empty": ("sdt", "", "a.txt", "line 1: found the end of the file"),
    "jsonl: cut": ("tardiness-jsonl", JSONL[:-5], "a.jsonl#a", "line 2: found"),
    "jsonl: count": (
        "tardiness-jsonl",
        '{"n": 2, "p": [1, 2], "d": [3]}',
        "a.jsonl",
        "line 1: found 1 numbers in d, expected 2",
    ),
    "jsonl: value": (
        "tardiness-jsonl",
        '{"p": [1, true], "d": [3, 4]}',
        "a.jsonl",
        "line 1: found True in p, expected an integer",
    ),
    "jsonl: field": ("tardiness-jsonl", '{"p": [1], "q": 1}', "a.jsonl", "found the field 'q'"),
    "jsonl: no list": ("tardiness-jsonl", '{"p": [1]}', "a.jsonl", "found d without a list"),
    "jsonl: array": ("tardiness-jsonl", "[1]", "a.jsonl", "expected an instance as a JSON object"),
    "jsonl: no jobs": ("tardiness-jsonl", '{"p": [], "d": []}', "a.jsonl", "found 0 as n"),
    "jsonl: name": ("tardiness-jsonl", '{"name": 3, "p": [1], "d": [1]}', "a.jsonl", "3 as name"),
    "jsonl: twice": (
        "tardiness-jsonl",
        JSONL.replace('"b"', '"a"'),
        "a.jsonl",
        "line 2: found the name 'a' twice",
    ),
    "jsonl: empty": ("tardiness-jsonl", "", "a.jsonl", "line 1: found the end of the file"),
}


@pytest.mark.parametrize("case", FAULTS)
def test_faults_name_file_line_and_expectation(case: str) -> None:
    name, text, source, words = FAULTS[case]
    with pytest.raises(InputError, match=words) as caught:
        formats.by_name(name).read(text, source)
    assert str(caught.value).startswith(source.partition("#")[0])


@pytest.mark.parametrize(("text", "source"), [(WT, "a.txt"), (WT_PAIR, "wt2.txt#2")])
def test_lost_and_doubled_pieces_of_wt_are_seen(text: str, source: str) -> None:
    whole = parse("wt", text, source)
    for broken in damaged_tokens(text):
        with pytest.raises(InputError):
            formats.by_name("wt").read(broken, source)
    for broken in damaged_lines(text):
        try:
            problem = parse("wt", broken, source)
        except InputError:
            continue
        assert problem == whole, broken


def test_lost_and_doubled_pieces_of_sdt_are_refused_where_the_name_tells_the_count() -> None:
    for broken in [*damaged_tokens(SDT), *damaged_lines(SDT)]:
        if broken == SDT:
            continue
        with pytest.raises(InputError):
            formats.by_name("sdt").read(broken, "SDT_5_x.txt")


@given(st.sampled_from(sorted(TEXTS)), st.data())
def test_mutated_texts_are_refused_with_a_place_or_read(name: str, data: st.DataObject) -> None:
    text = TEXTS[name]
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(text)))
        cut = data.draw(st.integers(0, 3))
        text = (
            text[:at]
            + data.draw(st.text('0123456789 -.,:[]{}x\n"\u00e9\u0663', max_size=3))
            + text[at + cut :]
        )
    message = "broken.file"
    try:
        formats.by_name(name).read(text, "broken.file#1")
    except InputError as error:
        message = str(error)
    assert all(line.startswith("broken.file") for line in message.splitlines())


instances = st.lists(
    st.tuples(st.integers(0, 10**6), st.integers(0, 10**9), st.integers(0, 10**6)),
    min_size=1,
    max_size=8,
)


@given(instances, st.sampled_from(["wt", "tardiness-jsonl"]))
def test_round_trip(rows: list[tuple[int, int, int]], name: str) -> None:
    problem = Jobs("sample", *zip(*rows, strict=True)).problem()
    text = formats.by_name(name).write(problem)
    assert parse(name, text) == problem


def test_round_trip_without_weights(tmp_path: Path) -> None:
    problem = random_tardiness(jobs=12, seed=4)
    path = tmp_path / "plain.txt"
    write(problem, path, "sdt")
    assert facts(parse("sdt", path.read_text())) == facts(problem)


def test_writers_name_what_a_layout_cannot_hold() -> None:
    plain = random_tardiness(jobs=5)
    weighted = Jobs(None, [1], [2], [3]).problem()
    with pytest.raises(UnsupportedError, match="sdt cannot hold weights"):
        formats.by_name("sdt").write(weighted)
    undated = plain.model_copy(update={"jobs": (plain.jobs[0].model_copy(update={"due": None}),)})
    with pytest.raises(UnsupportedError, match="'J1' without due date"):
        formats.by_name("wt").write(undated)
    shop = parse("jsplib", SAMPLES["jsplib"][1])
    with pytest.raises(UnsupportedError, match="total tardiness of one machine only"):
        formats.by_name("wt").write(shop)


def test_generator_follows_the_published_scheme() -> None:
    rows = np.array(
        [
            (length, due)
            for seed in range(20)
            for length, due, _ in facts(random_tardiness(due_range=0.4, lateness=0.4, seed=seed))
        ]
    )
    assert rows[:, 0].min() == 1
    assert rows[:, 0].max() == 100
    assert abs(rows[:, 1].mean() / 5050 - 0.6) < 0.03
    assert random_tardiness(seed=3) == random_tardiness(seed=3)
    assert min(due or 0 for _, due, _ in facts(random_tardiness(due_range=1, lateness=0.8))) == 0


@pytest.mark.shared
@pytest.mark.parametrize(("folder", "count"), [("smtt", 129), ("smtwt", 189)])
def test_published_collections(folder: str, count: int, shared_data: Path) -> None:
    path = shared_data / folder / "instances.jsonl"
    lines = path.read_text().splitlines()
    assert len(lines) == count
    for line in lines[:: len(lines) // 5]:
        entry = json.loads(line)
        problem = read(f"{path}#{entry['name']}")
        weights = entry.get("w", [1] * entry["n"])
        assert isinstance(problem, ScheduleProblem)
        assert facts(problem) == list(zip(entry["p"], entry["d"], weights, strict=True))
