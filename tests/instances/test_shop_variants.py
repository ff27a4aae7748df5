"""What the files of shop variants, reservoirs and task graphs mean, and what their writers hold."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import scheduling as sch
from scheduling.errors import InputError, UnsupportedError
from scheduling.instances import formats
from scheduling.instances.files import read
from scheduling.instances.schedule.shop_sheets import VARIANTS
from scheduling.models.schedule.problem import Machine, ScheduleProblem
from tests.instances.samples import SAMPLES, numbers, stated
from tests.instances.shop_samples import (
    BLOCKING,
    CPR,
    HETEROGENEOUS,
    OPERATED,
    SETUP_SHEET,
    SHEET,
    SHEETS,
    STG,
    WORKFLOW,
)


def parse(name: str, text: str) -> ScheduleProblem:
    problem = formats.by_name(name).read(text, "sample.txt")
    assert isinstance(problem, ScheduleProblem)
    return problem


def test_open_shops_keep_operations_of_a_job_apart_in_any_order() -> None:
    job = parse("osp", SHEET).jobs[1]
    assert not job.chain
    assert [task.modes[0].machine for task in job.tasks] == ["M1", "M2"]
    assert [task.modes[0].demands for task in job.tasks] == [{"job J2": 1}] * 2


def test_flow_shops_share_one_order() -> None:
    for name in ("pfsp", "nw-pfsp", "tct-pfsp"):
        shop = parse(name, SHEETS[name])
        assert len(shop.same_order) == 1
        assert all(job.chain and job.no_wait == (name == "nw-pfsp") for job in shop.jobs)
    assert parse("tct-pfsp", SHEET).objective.tiers[0].name == "total_completion"
    dated = parse("tt-pfsp", SHEETS["tt-pfsp"])
    assert [job.due for job in dated.jobs] == [20, 21, 22]
    assert dated.objective.tiers[0].name == "total_tardiness"


def test_setups_go_from_the_row_to_the_column() -> None:
    machine = parse("sdst-pfsp", SETUP_SHEET).resources[1]
    assert isinstance(machine, Machine)
    times = {(entry.before, entry.after): entry.time for entry in machine.setups}
    assert times["J1", "J2"] == 7
    assert times["J3", "J1"] == 11
    assert (None, "J1") not in times


def test_stages_are_pools_and_factories_are_modes() -> None:
    hybrid = parse("hfsp", SHEETS["hfsp"])
    assert [(r.id, r.capacity) for r in hybrid.resources if r.type == "renewable"] == [
        ("S1", 2),
        ("S2", 1),
    ]
    spread = parse("dpfsp", SHEETS["dpfsp"])
    assert all(job.same_mode for job in spread.jobs)
    assert [mode.machine for mode in spread.jobs[0].tasks[1].modes] == ["F1.M2", "F2.M2"]
    assert spread.same_order == (("F1.M1", "F1.M2"), ("F2.M1", "F2.M2"))
    assert len(parse("pmp", SHEETS["pmp"]).tasks[0].modes) == 3


def test_dummies_of_reservoir_files_take_and_put_nothing() -> None:
    plain = parse("rcpsp-cpr", CPR)
    assert plain == parse("rcpsp-cpr", CPR.replace("0 0 0 0 0 0 2 2 3", "0 0 8 8 4 9 2 2 3"))
    assert plain.tasks[1].modes[0].demands == {"R1": 2, "S1": 1}
    assert plain.tasks[1].modes[0].supplies == {"S2": 3}


def test_successors_named_twice_count_once() -> None:
    again = CPR.replace("3 2 1 0 0 3 1 4", "3 2 1 0 0 3 2 4 4")
    assert parse("rcpsp-cpr", again) == parse("rcpsp-cpr", CPR)


def test_costs_of_workflows_are_rounded() -> None:
    problem = parse("workflow", WORKFLOW)
    rows = [[mode.duration for mode in task.modes] for task in problem.tasks]
    assert rows == [[3000, 1500, 4000], [1, 1, 1], [10, 5, 13]]  # round(0.5) is 0, but at least 1
    assert [link.transfer for link in problem.precedences] == [2, 0]


def test_views_of_job_shops() -> None:
    shop = parse("jsplib", BLOCKING)
    assert all(job.blocking for job in parse("jsplib-blocking", BLOCKING).jobs)
    assert parse("jsplib-blocking", BLOCKING).swap
    # Each job wants the other's machine: they swap after 5, or one runs after the other.
    values = {"jsplib-blocking": 5 + 2, "jsplib-blocking-noswap": 5 + 1 + 3 + 2}
    for name, value in values.items():
        solution = sch.solve(parse(name, BLOCKING), "cp-sat", work_limit=5.0)
        assert (solution.status, solution.objective) == ("optimal", value)
    crowd = parse("jsplib-operators", OPERATED)
    assert crowd.resources[:2] == shop.resources
    assert all(task.modes[0].demands == {"operators": 1} for task in crowd.tasks)


FAULTS: dict[str, tuple[str, str, str]] = {
    "short row": ("pfsp", SHEET.replace("6 7", "6"), "line 4: found 1 entries"),
    "row too many": ("osp", SHEET + "1 2\n", "line 6: found '1 2', expected the end"),
    "row missing": ("pmp", SHEET.replace("8 9\n", ""), "line 5.*durations of job 3 of 3"),
    "no machines": ("pfsp", SHEET.replace("2\n", "0\n", 1), "line 2: found '0'"),
    "two sizes": ("pfsp", "3 2\n4 5\n", "line 1: found 2 entries"),
    "negative": ("pfsp", SHEET.replace("6 7", "6 -7"), "line 4: found '-7'"),
    "dues": ("tt-pfsp", SHEET, "line 3: found 2 entries, expected 3 numbers: a due"),
    "stage without machine": ("hfsp", SHEETS["hfsp"].replace("2 1", "2 0"), "line 3: found '0'"),
    "factories": ("dpfsp", SHEET, "line 3: found 2 entries, expected 1 numbers"),
    "too many factories": ("dpfsp", "10\n10\n10001\n", "line 3: found '10001'.* from 1 to 10000"),
    "setup row": (
        "sdst-pfsp",
        SETUP_SHEET.replace("9 0 10\n", ""),
        "line 11: found the end.*setups on machine 2 after job 3 of 3",
    ),
    "reservoirs": ("rcpsp-cpr", CPR.replace("4 9 3", "4 9"), "line 2: found 2 entries"),
    "activity": ("rcpsp-cpr", CPR.replace("5 4 0 2 1 0 1\n", "5 4 0 2 1 0\n"), "line 5"),
    "one activity": ("rcpsp-cpr", "1 1 0\n4\n0 0 0\n", "line 1: found '1 1 0'"),
    "order of successors": ("rcpsp-cpr", CPR.replace("1 2 2 1 5", "1 2 2 1 2"), "line 7"),
    "stg count": ("stg", STG.replace("3 6 2 1 2", "3 6 3 1 2"), "line 5: found 5 numbers"),
    "stg order": (
        "stg",
        STG.replace("2 4 1 0", "5 4 1 0"),
        "line 4: found task 5, expected task 2",
    ),
    "stg dummy": ("stg", STG.replace("0 0 0", "0 7 0"), "line 2: found duration 7"),
    "stg itself": ("stg", STG.replace("3 6 2 1 2", "3 6 2 1 3"), "line 5: found predecessors"),
    "stg twice": (
        "stg",
        STG.replace("3 6 2 1 2", "3 6 2 1 1"),
        "line 5: found a predecessor twice",
    ),
    "stg loose": ("stg", STG.replace("3 6 2 1 2", "3 6 1 1"), "line 4: found task 2 without succ"),
    "stg source": ("stg", STG.replace("1 5 1 0", "1 5 0"), "line 3: found 0 predecessors"),
    "stg cycle": (
        "stg",
        STG.replace("1 5 1 0", "1 5 2 0 3"),
        "line [35]: found cycle .*without a cycle",
    ),
    "stg processors": ("stg", STG.replace("# proc", "# prac"), "line 1: found no number of proc"),
    "stg number": ("stg", STG.replace(": 2", ": 0"), "line 7: found '0'"),
    "stg numbers": ("stg", STG + "# processors : 3\n", "line 8: found '# processors : 3'"),
    "operators": ("jsplib-operators", BLOCKING, "line 1: found no number of operators"),
    "blocking": ("jsplib-blocking", BLOCKING.replace("1 2", "1"), "line 2: found 3 numbers"),
    "costs": ("heterogeneous", HETEROGENEOUS.replace("5, 1", "5"), r"line 6, cost\[1\]: found 1 c"),
    "edge": ("heterogeneous", HETEROGENEOUS.replace("1, 2, 0", "1, 3, 0"), r"line 11, edges\[1\]"),
    "edge twice": ("heterogeneous", HETEROGENEOUS.replace("1, 2, 0", "0, 1, 0"), "0 -> 1 again"),
    "edge cycle": ("heterogeneous", HETEROGENEOUS.replace("1, 2, 0", "1, 0, 0"), "found cycle"),
    "fraction": ("heterogeneous", HETEROGENEOUS.replace("5, 1", "5, 1.5"), r"line 6, cost\[1\]"),
    "unknown key": (
        "heterogeneous",
        HETEROGENEOUS.replace("processors", "cpus"),
        "line 1, processors: found nothing",
    ),
    "no tasks": (
        "heterogeneous",
        '{"kind": "heterogeneous", "processors": 1, "cost": []}',
        "found no tasks",
    ),
    "other kind": ("heterogeneous", WORKFLOW, "line 2, kind"),
    "speed": ("workflow", WORKFLOW.replace("0.75", "0"), r"line 8, platform.speeds\[2\]"),
    "no speeds": ("workflow", WORKFLOW.replace("1.0, 2, 0.75", ""), "line 8, platform.speeds"),
    "too slow": ("workflow", WORKFLOW.replace("0.75", "1e-12"), "line 8, platform: found a time"),
    "no json": ("workflow", WORKFLOW[:-3], "line 8: found the end"),
}


@pytest.mark.parametrize("case", FAULTS)
def test_faults_name_line_and_expectation(case: str) -> None:
    name, text, words = FAULTS[case]
    with pytest.raises(InputError, match=rf"sample\.txt: .*{words}") as caught:
        parse(name, text)
    assert "expected" in str(caught.value)


@given(st.data(), st.sampled_from(VARIANTS), st.integers(1, 4), st.integers(1, 3))
def test_sheets_come_back(data: st.DataObject, variant: Any, jobs: int, width: int) -> None:
    rows = [[jobs], [width]]
    values = st.integers(0, 99)

    def table(height: int, breadth: int, low: int = 0) -> list[list[int]]:
        row = st.lists(st.integers(low, 99), min_size=breadth, max_size=breadth)
        return data.draw(st.lists(row, min_size=height, max_size=height))

    if variant.extra == "factories":
        rows.append([data.draw(st.integers(1, 3))])
    elif variant.extra == "stages":
        rows += table(1, width, 1)
    elif variant.extra == "dues":
        rows.append([data.draw(values) for _ in range(jobs)])
    rows += table(jobs, width)
    if variant.extra == "setups":
        rows += table(width * jobs, jobs)
    text = "".join(" ".join(map(str, row)) + "\n" for row in rows)
    problem = variant.read(text, "x")
    assert variant.write(problem) == text
    assert variant.sniff(text)
    assert stated(variant.name, problem) == numbers(variant.name, text)


def _changed(name: str, **changes: Any) -> ScheduleProblem:
    fields = parse(*SAMPLES[name]).model_dump()
    return ScheduleProblem.model_validate({**fields, **changes})


def _shuffled(name: str) -> ScheduleProblem:
    """Turn round the machines of one job."""
    fields = parse(*SAMPLES[name]).model_dump()
    fields["jobs"][-1]["tasks"] = fields["jobs"][-1]["tasks"][::-1]
    return ScheduleProblem.model_validate(fields)


REFUSED = [
    ("pfsp", _changed("nw-pfsp"), "no-wait"),
    ("pfsp", _changed("sdst-pfsp"), "setups"),
    ("pfsp", _changed("pfsp", same_order=()), "flow shops with the same order"),
    ("pfsp", _shuffled("pfsp"), "flow shops with the same order"),
    ("nw-pfsp", _changed("pfsp"), "flow shops without waiting"),
    ("tct-pfsp", _changed("pfsp"), "total completion"),
    ("tt-pfsp", _changed("pfsp"), "due dates"),
    ("hfsp", _changed("pfsp"), "machines"),
    ("osp", _shuffled("osp"), "each job is once on every machine"),
    ("pmp", _changed("dpfsp"), "same"),
    ("dpfsp", _changed("dpfsp", same_order=()), "several equal factories"),
    ("sdst-pfsp", _shuffled("sdst-pfsp"), "flow shops"),
    ("jsplib", _changed("blocking"), "blocking"),
    ("jsplib-blocking", parse("jsplib", BLOCKING), "jobs that block"),
    ("jsplib-blocking", parse("jsplib-blocking-noswap", BLOCKING), "without swaps"),
    ("jsplib-blocking-noswap", parse("jsplib-blocking", BLOCKING), "without swaps"),
    ("jsplib-operators", parse("jsplib", BLOCKING), "operators"),
    ("patterson", _changed("cpr"), "reservoirs"),
    ("stg", parse("patterson", SAMPLES["patterson"][1]), "identical processors"),
    ("heterogeneous", parse("fjs", SAMPLES["fjs"][1]), "every machine"),
    ("workflow", parse("heterogeneous", HETEROGENEOUS), "costs per processor"),
    ("fjs", parse("heterogeneous", HETEROGENEOUS), "transfers|precedences|parallel"),
]


@pytest.mark.parametrize(("name", "problem", "words"), REFUSED)
def test_writers_refuse_what_would_be_lost(name: str, problem: ScheduleProblem, words: str) -> None:
    with pytest.raises(UnsupportedError, match=f"format {name} .*({words}).* instead"):
        formats.by_name(name).write(problem)


def test_reservoirs_with_a_maximum_are_refused() -> None:
    fields = parse("rcpsp-cpr", CPR).model_dump()
    fields["resources"][1]["maximum"] = 20
    with pytest.raises(UnsupportedError, match="maximum"):
        formats.by_name("rcpsp-cpr").write(ScheduleProblem.model_validate(fields))


def test_names_do_not_matter_for_writing() -> None:
    fields = parse("pfsp", SHEET).model_dump()
    text = json.dumps(fields).replace('"M1"', '"lathe"').replace('"J2"', '"second"')
    renamed = ScheduleProblem.model_validate(json.loads(text))
    assert formats.by_name("pfsp").write(renamed) == SHEET


@pytest.mark.shared
@pytest.mark.parametrize(
    ("name", "pattern"),
    [
        *((variant.name, f"variants/{variant.name}/*.txt") for variant in VARIANTS),
        ("rcpsp-cpr", "rcpsp_cpr/*/*.rcp"),
        ("stg:4", "dag/*.stg"),
        ("heterogeneous", "dag/rnd*.json"),
        ("heterogeneous", "dag/topcuoglu10.json"),
        ("jsplib-blocking", "jsp/la*.txt"),
        ("jsplib-operators:4", "jsp/la*.txt"),
    ],
)
def test_published_files(name: str, pattern: str, shared_data: Path) -> None:
    paths = sorted(shared_data.glob(pattern))
    assert paths
    entry = formats.by_name(name)
    for path in paths:
        problem = read(path, name)
        assert isinstance(problem, ScheduleProblem)
        assert entry.read(entry.write(problem), str(path)) == problem
        if name in SHEETS:
            assert stated(name, problem) == numbers(name, path.read_text())


@pytest.mark.shared
def test_published_workflows(shared_data: Path) -> None:
    known = json.loads((shared_data / "dag" / "best_known.json").read_text())
    for name, entry in known.items():
        if "tasks" in entry:
            problem = read(shared_data / "dag" / f"{name}.json")
            assert isinstance(problem, ScheduleProblem)
            sizes = len(problem.tasks), len(problem.precedences)
            assert sizes == (entry["tasks"], entry["edges"])
