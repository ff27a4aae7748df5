"""Logs of batch jobs: what is read, what is left out, what is refused."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import scheduling as sch
from scheduling.errors import InputError, UnsupportedError
from scheduling.instances import choosing, formats
from scheduling.instances.files import parse, read
from scheduling.models.schedule.problem import ScheduleProblem

SWF = """; Version: 2.2
; MaxNodes: 4
; MaxProcs: 8
; Note: a made-up log
1 10 3 100 4 -1 -1 4 120 -1 1 1 1 1 1 -1 -1 -1
2 12 0 -1 2 -1 -1 2 60 -1 5 1 1 1 1 -1 -1 -1
3 5 0 30.4 -1 -1 -1 8 60 -1 1 1 1 1 1 -1 -1 -1
4 20 0 7 0 -1 -1 0 60 -1 0 1 1 1 1 -1 -1 -1
"""
"""Job 2 has no run time and job 4 no processors; job 3 has only asked for its own."""


def rows(problem: object) -> list[tuple[int, int, int]]:
    assert isinstance(problem, ScheduleProblem)
    return [
        (job.release, job.tasks[0].modes[0].duration, job.tasks[0].modes[0].demands["processors"])
        for job in problem.jobs
    ]


def test_a_log_has_its_jobs_in_order_of_submission() -> None:
    problem = parse(SWF, "made.swf")
    assert rows(problem) == [(0, 30, 8), (5, 100, 4)]
    assert isinstance(problem, ScheduleProblem)
    assert getattr(problem.resources[0], "capacity", None) == 8
    solution = sch.solve(problem, "cp-sat", work_limit=5, workers=1)
    assert (solution.status, solution.objective) == ("optimal", 30 + 125)


def test_a_number_behind_the_format_stands_for_the_header() -> None:
    bare = "\n".join(line for line in SWF.splitlines() if "Max" not in line)
    with pytest.raises(InputError, match="MaxProcs"):
        parse(bare, "made.swf")
    assert rows(parse(bare, "made.swf", "swf:16")) == rows(parse(SWF, "made.swf"))
    with pytest.raises(InputError, match="a job on 8 processors, expected at most 7"):
        parse(bare, "made.swf", "swf:7")


@pytest.mark.parametrize(
    ("old", "new", "place"),
    [
        (" 100 ", " ten ", "line 5, field 4"),
        (" 100 ", " nan ", "line 5, field 4"),
        ("1 10 ", "1 -7 ", "line 5, field 2"),
        (" -1 -1 -1\n2", " -1 -1\n2", "line 5"),
        ("MaxProcs: 8", "MaxProcs: many", "line 3"),
        ("MaxProcs: 8", "MaxProcs: 3", "line"),
        (" 100 ", " 1e3 ", "line 5, field 4"),
    ],
)
def test_faults_have_their_place(old: str, new: str, place: str) -> None:
    with pytest.raises(InputError) as caught:
        parse(SWF.replace(old, new, 1), "made.swf")
    assert place in str(caught.value)
    assert caught.value.source == "made.swf"


def test_tables_name_their_columns() -> None:
    text = "job,submit_s,duration_s,num_gpus,vc\n1,7,60,2,a\n2,3,10,-1,b\n3,4,0,1,b\n4,9,-1,1,a\n"
    assert choosing.detect(text, "jobs.csv").name == "job-log"
    assert rows(parse(text, "jobs.csv", "job-log:4")) == [(0, 0, 1), (3, 60, 2)]
    with pytest.raises(InputError, match="job-log:512"):
        parse(text, "jobs.csv")
    dated = "gmt_create,exec_time_seconds\n2024-11-15 16:57:50,32.0\n2024-11-15 16:58:20,5\n"
    assert rows(parse(dated, "jobs.csv", "job-log:1")) == [(0, 32, 1), (30, 5, 1)]
    with pytest.raises(InputError, match="line 3, gmt_create"):
        parse(dated.replace("2024-11-15 16:58:20", "yesterday"), "jobs.csv", "job-log:1")


def test_some_of_the_jobs(tmp_path: Path) -> None:
    path = tmp_path / "made.swf.gz"
    path.write_bytes(gzip.compress(SWF.encode()))
    assert rows(read(path)) == [(0, 30, 8), (5, 100, 4)]
    assert rows(read(f"{path}#2-2")) == [(0, 100, 4)]
    with pytest.raises(InputError, match="from 1 to 2"):
        read(f"{path}#2-3")
    path.write_bytes(gzip.compress(SWF.encode())[:-12])
    with pytest.raises(InputError, match="gzip"):
        read(path)
    path.write_text(SWF)
    with pytest.raises(InputError, match="gzip"):
        read(path)


def on_one_machine(width: int, capacity: int, objective: str = "total_flow") -> ScheduleProblem:
    mode = {"duration": 1, "demands": {"crew": width}}
    return ScheduleProblem.model_validate(
        {
            "resources": [{"type": "renewable", "id": "crew", "capacity": capacity}],
            "jobs": [{"id": "j", "tasks": [{"id": "t", "modes": [mode]}]}],
            "objective": objective,
        }
    )


@pytest.mark.parametrize("name", ["swf", "job-log"])
def test_what_a_log_cannot_hold(name: str) -> None:
    write = formats.by_name(name).write
    with pytest.raises(UnsupportedError, match=f"format {name} cannot hold machines"):
        write(read("bundled:ft06"))
    with pytest.raises(UnsupportedError, match="job 'j' on 9 units of 'crew', which has 8"):
        write(on_one_machine(9, 8))
    with pytest.raises(UnsupportedError, match="the objective makespan, but total_flow"):
        write(on_one_machine(8, 8, "makespan"))


@given(
    st.lists(st.tuples(st.integers(0, 9), st.integers(0, 99), st.integers(1, 6)), min_size=1),
    st.sampled_from(["swf", "job-log:6"]),
)
def test_logs_come_back_as_they_were(jobs: list[tuple[int, int, int]], name: str) -> None:
    table = "submit_s,run_s,procs\n" + "".join(f"{a},{b},{c}\n" for a, b, c in jobs)
    problem = parse(table, "jobs.csv", "job-log:6")
    chosen = formats.by_name(name)
    assert chosen.read(chosen.write(problem), "again") == problem


@pytest.mark.parametrize("name", ["swf", "job-log:1000000000"])
def test_logs_of_the_largest_machines_come_back(name: str) -> None:
    chosen = formats.by_name(name)
    again = chosen.read(chosen.write(on_one_machine(10**9, 10**9)), "again")
    assert rows(again) == [(0, 1, 10**9)]


@pytest.mark.shared
@pytest.mark.parametrize(
    ("path", "name", "jobs"),
    [
        ("batch_swf/nasa_ipsc_1993.csv", "job-log:128", 12159),
        ("gpu_philly_2017/philly_jobs.csv.gz#1-2000", "job-log:2490", 2000),
        ("gpu_genai_2026/lora_request_trace.csv.gz#1-2000", "job-log:8", 2000),
    ],
)
def test_published_logs(shared_data: Path, path: str, name: str, jobs: int) -> None:
    problem = read(f"{shared_data}/{path}", name)
    assert len(rows(problem)) == jobs
