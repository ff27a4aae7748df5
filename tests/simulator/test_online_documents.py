"""Online schedules as files and on the command line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import scheduling as sch
from scheduling.errors import InputError, UnsupportedError
from scheduling.instances.generators import generate
from scheduling.instances.schedule.online import with_arrivals, with_noise, with_stops
from scheduling.instances.schema import json_schema
from scheduling.models.schedule.online import OnlineSchedule
from tests.cli.conftest import Cli, cli
from tests.instances.validator import errors

__all__ = ["cli"]

SURPRISE = """
kind: online-schedule
name: surprise
truth:
  resources: [{type: machine, id: saw}]
  jobs:
    - {id: a, tasks: [{id: a1, modes: [{duration: 9, machine: saw}]}]}
    - {id: b, tasks: [{id: b1, modes: [{duration: 2, machine: saw}]}]}
  objective: total_completion
expected: {a1: [1]}
"""


@pytest.fixture
def surprise(tmp_path: Path) -> Path:
    path = tmp_path / "surprise.yaml"
    path.write_text(SURPRISE, encoding="utf-8")
    return path


@pytest.mark.parametrize("ending", [".yaml", ".json"])
def test_documents_come_back_as_they_were(tmp_path: Path, ending: str) -> None:
    problem = with_noise(with_arrivals(sch.read("bundled:ft06"), gap=7.0), noise=0.5, seed=3)
    path = tmp_path / f"shop{ending}"
    sch.write(problem, path)
    assert sch.read(path) == problem
    document = json.loads(path.read_text()) if ending == ".json" else None
    if document is not None:
        assert errors(json_schema("online-schedule"), document) == []
        assert "type" in document["truth"]["resources"][0]


def test_short_objectives_fit_the_schema(surprise: Path) -> None:
    problem = sch.read(surprise)
    sch.write(problem, surprise.with_suffix(".json"))
    document = json.loads(surprise.with_suffix(".json").read_text())
    assert document["truth"]["objective"] == "total_completion"
    assert errors(json_schema("online-schedule"), document) == []


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("{a1: [1]}", "{a2: [1]}", r"line 10, expected.a2: found 'a2', expected the id of a task"),
        ("{a1: [1]}", "{a1: [1, 2]}", "found 2 durations, expected one for each of 1 modes"),
        ("machine: saw}]}]}\n    - {id: b", "machine: jig}]}]}\n    - {id: b", "truth.jobs"),
        ("truth:", "truths:", "truth: found nothing"),
        ("kind: online-schedule", "kind: online-schedule\narrivals: never", "arrivals"),
    ],
)
def test_faults_name_their_place(surprise: Path, old: str, new: str, message: str) -> None:
    surprise.write_text(SURPRISE.replace(old, new), encoding="utf-8")
    with pytest.raises(InputError, match=message):
        sch.read(surprise)


def test_other_formats_refuse_it(surprise: Path, tmp_path: Path) -> None:
    with pytest.raises(UnsupportedError):
        sch.write(sch.read(surprise), tmp_path / "shop.fjs")


def test_policies_side_by_side(cli: Cli, surprise: Path, tmp_path: Path) -> None:
    answer = tmp_path / "best.json"
    call = cli("simulate", surprise, "--policy", "SPT", "--policy", "LPT", "--output", answer)
    assert call.code == 0
    assert "(offline)" in call.out
    assert "no schedule has total_completion below 13" in call.out
    assert "SPT: 20" in call.err
    found = json.loads(answer.read_text())
    assert (found["solver"], found["objective"], found["bound"]) == ("LPT", 13, 13)
    assert cli("check", surprise, answer).out == "valid\n"


def test_json_alone_and_repeatable(cli: Cli, surprise: Path) -> None:
    limits = ("--work-limit", 1, "--workers", 1, "--json", "--policy", "resolve")
    call = cli("simulate", surprise, *limits)
    assert call.err == ""
    (run,) = call.json["runs"]
    assert call.json["best"] == run["policy"] == "resolve"
    assert run["ratio"] == 1.0
    assert run["solution"]["objective"] == 20
    assert run["solution"]["bound"] == call.json["offline"]["bound"] == 13
    assert run["relaxation"]


def test_bad_input_is_one_message(cli: Cli, surprise: Path, tmp_path: Path) -> None:
    call = cli("simulate", surprise, "--policy", "SPTT")
    assert call.code == 2
    assert "did you mean 'SPT'?" in call.err
    assert cli("simulate", tmp_path / "none.yaml").code == 2
    call = cli("solve", surprise)
    assert call.code == 2
    assert "simulate" in call.err
    assert "surprise" in cli("info", surprise).out
    assert cli("explain", surprise).code == 2


def test_generated_shops_have_noise_stops_and_arrivals() -> None:
    problem = generate("online-job-shop", {"jobs": 6, "machines": 3, "gap": 40, "downtime": 1.0})
    assert isinstance(problem, OnlineSchedule)
    again = generate("online-job-shop", {"jobs": 6, "machines": 3, "gap": 40, "downtime": 1.0})
    assert problem == again
    assert OnlineSchedule.model_validate(problem.model_dump()) == problem
    releases = [job.release for job in problem.truth.jobs]
    assert releases == sorted(releases)
    assert releases[-1] > releases[0] == 0
    assert len(problem.truth.calendars) == 3
    assert all(task.interruptible for task in problem.truth.tasks)
    actual = {task.id: task.modes[0].duration for task in problem.truth.tasks}
    assert any(actual[name] != durations[0] for name, durations in problem.expected.items())
    calm = generate("online-job-shop", {"noise": 0.0, "downtime": 0.0})
    assert isinstance(calm, OnlineSchedule)
    assert calm.truth.calendars == ()
    assert [job.release for job in calm.truth.jobs] == [0] * 10
    assert calm.expected == {
        task.id: tuple(mode.duration for mode in task.modes) for task in calm.truth.tasks
    }


def test_stops_need_machines_without_calendars() -> None:
    problem = with_stops(sch.read("bundled:ft06"), between=9, repair=2)
    with pytest.raises(InputError, match="with a calendar"):
        with_stops(problem, between=9, repair=2)
    with pytest.raises(InputError, match="at most 1000000"):
        generate("online-job-shop", {"jobs": 2000, "longest": 10**6, "between": 1, "repair": 1})
