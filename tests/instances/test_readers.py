from __future__ import annotations

import pytest

from scheduling.errors import InputError
from scheduling.instances import formats
from scheduling.models.schedule.problem import ScheduleProblem
from tests.instances.samples import (
    DOCUMENTS,
    FJS,
    JSPLIB,
    MM,
    RCP,
    REENTRANT,
    SAMPLES,
    SCH,
    SM,
    TAILLARD,
    numbers,
    stated,
)


def read(name: str, text: str) -> ScheduleProblem:
    problem = formats.by_name(name).read(text, "sample.txt")
    assert isinstance(problem, ScheduleProblem)
    return problem


@pytest.mark.parametrize("sample", [key for key in SAMPLES if SAMPLES[key][0] not in DOCUMENTS])
def test_problem_states_the_numbers_of_the_file(sample: str) -> None:
    name, text = SAMPLES[sample]
    assert stated(name, read(name, text)) == numbers(name, text)


def test_job_shop_names_and_order() -> None:
    problem = read("jsplib", JSPLIB)
    assert problem.name == "sample"
    assert [resource.id for resource in problem.resources] == ["M1", "M2", "M3"]
    assert [task.id for task in problem.jobs[1].tasks] == ["J2.1", "J2.2", "J2.3"]
    assert problem.jobs[1].chain
    assert problem.jobs[1].tasks[1].modes[0].machine == "M3"


def test_jsplib_and_taillard_agree_on_the_same_shop() -> None:
    pairs = "2 3\n2 4 0 5 1 6\n1 7 2 8 0 9\n"
    assert read("jsplib", pairs) == read("taillard", TAILLARD)


def test_psplib_keeps_dates_and_resources() -> None:
    job = read("psplib", SM).jobs[0]
    assert (job.id, job.release, job.due, job.weight) == ("project", 0, 9, 4)
    problem = read("psplib", MM)
    assert [resource.type for resource in problem.resources] == ["renewable", "consumable"]
    assert problem.jobs[0].tasks[1].modes[1].demands == {"R1": 1, "N1": 2}


def test_negative_lags_are_maximal_lags() -> None:
    links = {(link.before, link.after): link for link in read("progenmax", SCH).precedences}
    assert links["2", "4"].min_lag == 4
    assert links["1", "3"].kind == "start-start"
    assert [(link.min_lag, link.max_lag) for link in read("progenmax", SCH).precedences][-1] == (
        None,
        8,
    )
    assert (links["3", "2"].min_lag, links["3", "2"].max_lag) == (None, 3)


def test_a_lag_to_the_source_fixes_it_at_time_zero() -> None:
    text = SCH.replace("1 1 1 3 [2]", "1 1 2 3 0 [2] [-6]")
    problem = read("progenmax", text)
    assert problem.jobs[0].tasks[0].deadline == 0
    assert read("progenmax", SCH).jobs[0].tasks[0].deadline is None


FAULTS = {
    "jsplib: too few jobs": ("jsplib", JSPLIB.replace("3 3\n", "4 3\n", 1), "line 6", "job 4 of 4"),
    "jsplib: too many jobs": ("jsplib", JSPLIB.replace("3 3\n", "2 3\n", 1), "line 5", "end of"),
    "jsplib: lost pair": ("jsplib", JSPLIB.replace(" 1 2", ""), "line 3", "2 operations"),
    "jsplib: lost number": ("jsplib", JSPLIB.replace("0 3 1", "0 1"), "line 3", "5 numbers"),
    "jsplib: repeated machine": ("jsplib", JSPLIB.replace("0 3 1", "1 3 1"), "line 3", "once"),
    "jsplib: machine out of range": ("jsplib", JSPLIB.replace("2 5", "3 5"), "line 3", "0 to 2"),
    "jsplib: machines from 1": ("jsplib", "1 2\n1 4 2 5\n", "line 2", "machine 2"),
    "jsplib: negative duration": ("jsplib", JSPLIB.replace("2 5", "2 -5"), "line 3", "-5"),
    "jsplib: not a number": ("jsplib", JSPLIB.replace("2 5", "2 nan"), "line 3", "'nan'"),
    "jsplib: fraction": ("jsplib", JSPLIB.replace("2 5", "2 5.5"), "line 3", "'5.5'"),
    "jsplib: underscore": ("jsplib", JSPLIB.replace("2 5", "2 5_0"), "line 3", "'5_0'"),
    "jsplib: other digits": ("jsplib", JSPLIB.replace("2 5", "2 \u0665"), "line 3", "integer"),
    "jsplib: huge": ("jsplib", JSPLIB.replace("2 5", f"2 {10**13}"), "line 3", "integer from"),
    "jsplib: endless": ("jsplib", JSPLIB.replace("2 5", "2 " + "9" * 9999), "line 3", "integer"),
    "jsplib: no jobs": ("jsplib", "0 3\n", "line 1", "'0'"),
    "jsplib: empty": ("jsplib", "# nothing\n", "line 2", "numbers of jobs"),
    "jsplib: some end marks": ("jsplib", REENTRANT.replace("0 4", "0 4 -1 -1"), "line 3", "-1 -1"),
    "taillard: no machines": ("taillard", TAILLARD.replace("Machines\n", ""), "line 6", "Machines"),
    "taillard: short row": ("taillard", TAILLARD.replace(" 7 8 9", " 7 8"), "line 5", "2 entries"),
    "taillard: two instances": ("taillard", TAILLARD * 2, "line 9", "end of the file"),
    "taillard: machine twice": ("taillard", TAILLARD.replace("3 1 2", "3 1 1"), "line 7", "once"),
    "taillard: header": ("taillard", TAILLARD.replace("20 10", "20"), "line 2", "5 numbers"),
    "fjs: machine 0": ("fjs", FJS.replace("1 5 2 4", "0 5 2 4"), "line 2", "machine 0"),
    "fjs: machine out of range": ("fjs", FJS.replace("2 6", "4 6"), "line 3", "1 to 3"),
    "fjs: no alternative": ("fjs", "1 1\n1 0\n", "line 2", "no machine"),
    "fjs: machine twice": ("fjs", FJS.replace("2 4 1", "1 4 1"), "line 2", "twice"),
    "fjs: cut line": ("fjs", FJS.replace(" 1 1 9", ""), "line 3", "operation 3"),
    "fjs: trailing numbers": ("fjs", FJS.replace("1 1 9", "1 1 9 1"), "line 3", "1 more"),
    "fjs: header": ("fjs", FJS.replace("1.5", "many"), "line 1", "'many'"),
    "fjs: no operations": ("fjs", "1 1\n0\n", "line 2", "0 operations"),
    "psplib: successor count": ("psplib", SM.replace("2   3\n", "2\n"), "line 19", "numbers"),
    "psplib: successor out of range": (
        "psplib",
        SM.replace("   4\n", "   6\n"),
        "line 20",
        "1 to 5",
    ),
    "psplib: own successor": ("psplib", SM.replace("   4\n", "   2\n"), "line 20", "own successor"),
    "psplib: back": (
        "psplib",
        SM.replace("1           5\n   5", "1           2\n   5"),
        "line 22",
        "after 4",
    ),
    "psplib: cut off": (
        "psplib",
        SM.replace("2           2   3", "1           3"),
        "line 20",
        "without predecessor",
    ),
    "psplib: dead end": (
        "psplib",
        SM.replace("1           5\n   5", "0\n   5"),
        "line 22",
        "without successor",
    ),
    "psplib: job order": (
        "psplib",
        SM.replace("   3        1", "   4        1"),
        "line 21",
        "job 4",
    ),
    "psplib: no section": (
        "psplib",
        SM.replace("REQUESTS/DURATIONS:\n", ""),
        "line 25",
        "REQUESTS",
    ),
    "psplib: two projects": ("psplib", SM.replace(":  1\n", ":  2\n"), "line 13", "projects"),
    "psplib: job count": ("psplib", SM.replace("):  5", "):  6"), "line 15", "4: all jobs"),
    "psplib: missing mode": ("psplib", MM.replace("\t2\t5\t1\t2\n", ""), "line 19", "mode 2 of 2"),
    "psplib: columns": ("psplib", SM.replace("R 1  R 2\n---", "R 1\n---"), "line 26", "columns"),
    "psplib: capacities": ("psplib", SM.replace("    2    6\n", "    2\n"), "line 36", "1 entries"),
    "psplib: unknown line": ("psplib", SM.replace("RESOURCES", "RESORCES"), "line 8", "preamble"),
    "psplib: doubly constrained": ("psplib", MM.replace("0 D", "1 D"), "line 7", "doubly"),
    "psplib: garbage after the end": ("psplib", SM + "x\n", "line 38", "end of the file"),
    "patterson: lost successor": ("patterson", RCP.replace("  4\n", ""), "line 4", "successors"),
    "patterson: capacities": ("patterson", RCP.replace("4 7", "4"), "line 2", "1 entries"),
    "patterson: short": ("patterson", RCP.replace("0 0 0 0\n", "0 0\n"), "line 8", "at least 4"),
    "patterson: more": ("patterson", RCP + "0 0 0 0\n", "line 9", "end of the file"),
    "patterson: back": ("patterson", RCP.replace("2 3 0 1 5", "2 3 0 1 2"), "line 7", "after 4"),
    "patterson: cut off": (
        "patterson",
        RCP.replace("0 0 0 2 2 3", "0 0 0 2 3 4"),
        "line 4",
        "without predecessor",
    ),
    "progenmax: lag count": ("progenmax", SCH.replace(" [2]", ""), "line 3", "as many lags"),
    "progenmax: bare lag": ("progenmax", SCH.replace("[2]", "2"), "line 3", "in brackets"),
    "progenmax: modes": ("progenmax", SCH.replace("2 1 4 2 2", "2 2 4 2 2"), "line 9", "2 as mode"),
    "progenmax: stocks": (
        "progenmax",
        SCH.replace("2 0 0\n0", "2 1 0\n0", 1),
        "line 1",
        "1 nonrene",
    ),
    "progenmax: activity order": (
        "progenmax",
        SCH.replace("4 1 0\n", "5 1 0\n"),
        "line 6",
        "activity 5",
    ),
    "progenmax: no capacities": (
        "progenmax",
        SCH.replace("3 2\n", ""),
        "line 12",
        "capacity|capacities",
    ),
}


@pytest.mark.parametrize("case", FAULTS)
def test_faults_name_line_and_expectation(case: str) -> None:
    name, text, line, words = FAULTS[case]
    with pytest.raises(InputError) as caught:
        read(name, text)
    message = str(caught.value)
    assert message.startswith(f"sample.txt: {line}")
    assert any(word in message for word in words.split("|"))
    assert "found" in message
    assert "expected" in message
