from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scheduling.errors import InputError
from scheduling.instances import yamltext
from scheduling.instances.documents import (
    compact,
    read_json_problem,
    read_yaml_problem,
    write_json_problem,
    write_yaml_problem,
)
from scheduling.instances.files import read
from scheduling.instances.jsontext import json_lines, parse_json
from scheduling.instances.schema import json_schema
from scheduling.instances.yamltext import parse_yaml, yaml_lines
from scheduling.models.schedule.builder import ScheduleModel
from tests.instances.samples import JSON, YAML
from tests.instances.validator import errors

LENGTHS = {name: {"kind": "fixed", "tokens": 9} for name in ("prompt", "output")}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("yes", "yes"),
        ("on", "on"),
        ("1:30", "1:30"),
        ("010", "010"),
        ("1_000", "1_000"),
        ("0x10", "0x10"),
        ("2024-01-01", "2024-01-01"),
        (".inf", ".inf"),
        ("1e400", "1e400"),
        ("NULL", "NULL"),
        ("~", None),
        ("null", None),
        ("", None),
        ("true", True),
        ("-12", -12),
        ("1.5", 1.5),
        ("1e3", 1000.0),
        ("'12'", "12"),
        ('"true"', "true"),
    ],
)
def test_plain_values(text: str, value: object) -> None:
    assert parse_yaml(f"a: {text}\n", "f") == {"a": value}


def test_keys_are_text() -> None:
    assert parse_yaml("1: a\ntrue: b\nnull: c\n", "f") == {"1": "a", "true": "b", "null": "c"}


def test_aliases_stand_for_what_they_name() -> None:
    text = "a: &x [1, &y 2]\nb: *x\nc: *y\n"
    assert parse_yaml(text, "f") == {"a": [1, 2], "b": [1, 2], "c": 2}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a: 1\nb: 2\na: 3\n", "line 3: found the key 'a' twice"),
        ("a: !!str 1\n", "line 1: found the tag"),
        ("a: !!python/object:os.system x\n", "found the tag"),
        ("a: !x {}\n", "found the tag"),
        ("a: *x\n", "line 1: found the alias"),
        ("a: &x [*x]\n", "line 1: found the alias"),
        ("[a]: 1\n", "line 1: found a list or mapping as a key"),
        ("? *x\n: 1\n", "alias"),
        ("a: 1\n---\nb: 2\n", "line 2: found a second document"),
        ("# nothing\n", "found an empty document"),
        ("a: [1\nb: 2\n", "line 2: "),
        ("a:\n\t- 1\n", "line 2: "),
        ("a: \x07\n", "line 1: "),
        ("[" * 70 + "]" * 70, "line 1: found more than 64 levels"),
        ("[" * 100_000, "line 1: "),
        ("a: {{{{" * 50_000, "line 1: "),
    ],
)
def test_yaml_faults_name_the_line(text: str, words: str) -> None:
    with pytest.raises(InputError) as caught:
        parse_yaml(text, "f.yaml")
    assert str(caught.value).startswith("f.yaml: line ")
    assert words in str(caught.value)


def test_alias_bombs_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    rows += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 20)]
    with pytest.raises(InputError, match="values, expected a smaller document"):
        parse_yaml("\n".join(rows), "bomb.yaml")
    monkeypatch.setattr(yamltext, "MAX_VALUES", 5)
    with pytest.raises(InputError, match="line 2: found more than 5 values"):
        parse_yaml("a: [1, 2]\nb: [1, 2]\n", "f")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('{"a": 1, "a": 2}', "line 1: found the key 'a' twice"),
        ('{"b": [\n{"a": 1,\n\t"a": 2}]}', "line 3: found the key 'a' twice"),
        ('{"a\\"": [{}, []], "\\u0061\\"":\n1}', "line 2: found the key 'a\"' twice"),
        ('{"\x7f": [],\n"a": {"b": 1},\n"\x7f": 2}', "line 3: found the key '\\x7f' twice"),
        ('{"a": NaN}', "NaN"),
        ('{"a": -Infinity}', "-Infinity"),
        ('{"a": 1e999}', "1e999"),
        ('{"a": ' + "9" * 5000 + "}", "99999"),
        ("[" * 100_000, "f.json: line 1"),
        ('{"a":\n 1,}', "line 2"),
        ("", "line 1: found the end"),
    ],
)
def test_json_faults(text: str, words: str) -> None:
    with pytest.raises(InputError) as caught:
        parse_json(text, "f.json")
    assert words in str(caught.value)
    assert str(caught.value).startswith("f.json: ")


FIELD_FAULTS = [
    ("duration: 4", "duration: 4.5", "line 14, jobs[0].tasks[1].modes[0].duration: found 4.5"),
    ("duration: 4", "duration: -4", "line 14, jobs[0].tasks[1].modes[0].duration: found -4"),
    ("duration: 4", "duration: '4'", "line 14, jobs[0].tasks[1].modes[0].duration: found '4'"),
    ("duration: 4", "duration: .nan", "line 14, jobs[0].tasks[1].modes[0].duration: found '.nan'"),
    ("duration: 4", "duration: 010", "line 14, jobs[0].tasks[1].modes[0].duration: found '010'"),
    ("duration: 4, ", "", "line 14, jobs[0].tasks[1].modes[0].duration: found nothing"),
    ("chain: true", "chain: yes", "line 8, jobs[0].chain: found 'yes'"),
    ("due: 9", "dew: 9", "line 9, jobs[0].dew: found 9, expected no such field"),
    ("machine: saw", "machine: axe", "line 12, jobs[0].tasks[0].modes[0].machine: found 'axe'"),
    ("name: tiny", "name: [tiny]", "line 2, name: found ['tiny']"),
    ("kind: schedule", "kind: shopping", "line 1, kind: found 'shopping', expected one of: "),
    ("kind: schedule\n", "", "line 1, kind: found nothing"),
    ("id: glue", "id: cut", "tasks: found 'cut' 2 times"),
]


@pytest.mark.parametrize(("old", "new", "words"), FIELD_FAULTS)
def test_faults_of_fields_name_line_and_field(old: str, new: str, words: str) -> None:
    with pytest.raises(InputError) as caught:
        read_yaml_problem(YAML.replace(old, new), "f.yaml")
    assert words in str(caught.value)
    assert str(caught.value).startswith("f.yaml: line ")


def test_faults_of_json_fields_name_the_line() -> None:
    with pytest.raises(InputError, match=r"f\.json: line 5, jobs\[0\]\.tasks\[0\]\.modes\[0\]"):
        read_json_problem(JSON.replace("3}", "-3}").replace(" {", "\t{"), "f.json")


def test_faults_of_json_that_is_no_yaml_name_the_line() -> None:
    text = JSON.replace("3}", "-3}").replace('"tiny"', '"tiny\x7f"')
    with pytest.raises(InputError, match=r"f\.json: line 5, jobs\[0\]\.tasks\[0\]\.modes\[0\]"):
        read_json_problem(text, "f.json")


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text('a"\\[]{},: ', max_size=4),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text("ab:,]"), inner, max_size=3)
    ),
    max_leaves=12,
)


@given(JSON_VALUES, st.sampled_from([None, 0, 1, 3]), st.booleans())
def test_lines_of_json_are_those_of_yaml(value: Any, indent: int | None, broken: bool) -> None:
    # Line ends are put between entries, never into texts.
    separators = (",\n\n", ": ") if broken else None
    text = json.dumps(value, indent=indent, separators=separators)
    assert json_lines(text) == yaml_lines(text)


def test_all_faults_are_listed() -> None:
    text = YAML.replace("duration: 4", "duration: -4").replace("capacity: 2", "capacity: two")
    with pytest.raises(InputError) as caught:
        read_yaml_problem(text, "f.yaml")
    assert len(caught.value.faults) == 2


def full_problem() -> Any:
    model = ScheduleModel("yes")
    model.add_calendar([(3, 5), (7, 9)], name="1:30")
    model.add_machine("010", calendar="1:30")
    model.add_renewable(4, steps=[(5, 2)], name="null")
    model.add_consumable(9, name="1e3")
    job = model.add_job("~", release=2, due=30, deadline=90, weight=3)
    first = model.add_task(job, duration=3, machine="010", name="- #x: {y}")
    second = model.add_task(job, release=1, deadline=80, name="é\t☃ '\"")
    model.add_mode(second, duration=2, demands={"null": 2, "1e3": 4})
    model.add_mode(second, duration=0)
    model.add_precedence(first, second, kind="end-end", min_lag=None, max_lag=12)
    model.add_precedence(first, second, kind="start-start", min_lag=-3)
    model.minimize(["late_jobs", {"makespan": 2, "total_tardiness": 1}])
    return model.build()


def test_everything_survives_both_documents() -> None:
    problem = full_problem()
    assert read_yaml_problem(write_yaml_problem(problem), "f") == problem
    assert read_json_problem(write_json_problem(problem), "f") == problem


def test_documents_leave_defaults_out() -> None:
    problem = read_yaml_problem(YAML, "f")
    assert compact(problem)["objective"] == "total_tardiness"
    assert compact(problem)["jobs"][0]["tasks"][0] == {
        "id": "cut",
        "modes": [{"duration": 3, "machine": "saw"}],
    }
    assert "precedences" not in write_yaml_problem(problem)


@given(st.text(min_size=1, max_size=20))
def test_any_name_survives_both_documents(name: str) -> None:
    model = ScheduleModel(name)
    machine = model.add_machine(name)
    model.add_task(model.add_job(name), duration=1, machine=machine, name=name)
    problem = model.build()
    assert read_yaml_problem(write_yaml_problem(problem), "f") == problem
    assert read_json_problem(write_json_problem(problem), "f") == problem


def test_schema_accepts_what_is_valid_and_refuses_what_is_not() -> None:
    schema = json_schema("schedule")
    for document in (json.loads(JSON), parse_yaml(YAML, "f"), compact(full_problem())):
        assert errors(schema, document) == []
    for old, new, _ in FIELD_FAULTS:
        if old not in (
            "machine: saw",
            "id: glue",
        ):  # references and repetitions are beyond a schema
            assert errors(schema, parse_yaml(YAML.replace(old, new), "f")), new
    bad = json.loads(JSON)
    refused: list[object] = ["price", {"makespan": 0}, ["makespan", "price"], [], 3]
    for objective in refused:
        assert errors(schema, {**bad, "objective": objective}), objective
    taken: list[object] = ["makespan", {"makespan": 2}, ["makespan", {"late_jobs": 1}]]
    for objective in taken:
        assert not errors(schema, {**bad, "objective": objective}), objective
    full = full_problem().model_dump(mode="json")
    assert errors(schema, full) == []


def test_schema_is_json_and_names_its_draft() -> None:
    schema = json_schema("schedule")
    assert json.loads(json.dumps(schema)) == schema
    assert schema["$schema"].endswith("2020-12/schema")
    with pytest.raises(InputError, match=r"kind: found 'cake', expected one of: .*schedule"):
        json_schema("cake")


def test_bundled_documents_fit_the_schema() -> None:
    import scheduling.instances.schedule as package

    folder = Path(package.__path__[0]) / "data"
    found = sorted(folder.glob("*.yaml"))
    assert found
    for path in found:
        assert errors(json_schema("schedule"), parse_yaml(path.read_text(), path.name)) == []


def test_descriptions_that_are_not_given_are_not_written() -> None:
    fleet = read("bundled:chat-fleet")
    asked = {
        "kind": "requests",
        "replica": {"cost": {"base_seconds": 0.01, "per_token_seconds": 1e-5}, "kv_tokens": 9000},
        "requests": 5,
        "workload": {"classes": [{"arrivals": {"kind": "poisson", "rate": 1.0}, **LENGTHS}]},
    }
    for problem in (fleet, read_yaml_problem(json.dumps(asked), "f.yaml")):
        written = write_yaml_problem(problem)
        assert "null" not in written
        assert read_yaml_problem(written, "f.yaml") == problem
