"""What a writer writes, the reader reads back: the same problem, or one that means the same."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scheduling.errors import InputError, UnsupportedError
from scheduling.instances import choosing, formats
from scheduling.instances.files import read
from scheduling.instances.schedule.assemble import build, flexible_jobs, machines, shop_jobs
from scheduling.models.schedule.problem import MAX_TIME, ScheduleProblem
from tests.instances.samples import numbers, stated
from tests.strategies import schedule_problems

DURATIONS = st.integers(0, 20) | st.integers(0, MAX_TIME)


@st.composite
def job_shops(draw: st.DrawFn) -> ScheduleProblem:
    count = draw(st.integers(1, 4))
    orders = draw(st.lists(st.permutations(range(count)), min_size=1, max_size=4))
    jobs = [[(machine, draw(DURATIONS)) for machine in order] for order in orders]
    return build("x", machines(count), shop_jobs(jobs))


@st.composite
def reentrant_shops(draw: st.DrawFn) -> ScheduleProblem:
    count = draw(st.integers(1, 4))
    pairs = st.tuples(st.integers(0, count - 1), DURATIONS)
    jobs = draw(st.lists(st.lists(pairs, min_size=1, max_size=5), min_size=1, max_size=4))
    return build("x", machines(count), shop_jobs(jobs))


@st.composite
def flexible_shops(draw: st.DrawFn) -> ScheduleProblem:
    count = draw(st.integers(1, 4))
    modes = st.dictionaries(st.integers(0, count - 1), DURATIONS, min_size=1).map(
        lambda chosen: list(chosen.items())
    )
    jobs = draw(st.lists(st.lists(modes, min_size=1, max_size=4), min_size=1, max_size=4))
    return build("x", machines(count), flexible_jobs(jobs))


@st.composite
def projects(draw: st.DrawFn, *, multi: bool) -> ScheduleProblem:
    """Draw a project between a source and a sink, in topological order."""
    count = draw(st.integers(1, 6))
    renewables = draw(st.integers(0, 2))
    consumables = draw(st.integers(0, 2)) if multi else 0
    names = [f"R{i + 1}" for i in range(renewables)] + [f"N{i + 1}" for i in range(consumables)]
    kinds = ["renewable"] * renewables + ["consumable"] * consumables
    resources = [
        {"type": kind, "id": name, "capacity": draw(st.integers(0, 9))}
        for kind, name in zip(kinds, names, strict=True)
    ]
    drawn = [draw(st.sets(st.integers(i + 1, count), max_size=2)) for i in range(1, count)]
    tied = set[int]().union(*drawn)
    after = {i: sorted(out) or [count + 1] for i, out in enumerate([*drawn, set()], start=1)}
    after[0] = [i for i in range(1, count + 1) if i not in tied]

    def modes(task: int) -> list[dict[str, object]]:
        if task in (0, count + 1):
            return [{"duration": 0}]
        rows = []
        for _ in range(draw(st.integers(1, 3)) if multi else 1):
            amounts = {name: draw(st.integers(0, 5)) for name in names}
            demands = {name: amount for name, amount in amounts.items() if amount}
            rows.append({"duration": draw(DURATIONS), "demands": demands})
        return rows

    tasks = [{"id": str(i + 1), "modes": modes(i)} for i in range(count + 2)]
    links = [
        {"before": str(i + 1), "after": str(j + 1)} for i in range(count + 1) for j in after[i]
    ]
    return build("x", resources, [{"id": "project", "tasks": tasks}], links)


def same(name: str, problem: ScheduleProblem) -> None:
    entry = formats.by_name(name)
    text = entry.write(problem)
    assert entry.read(text, "x") == problem
    assert entry.sniff(text)
    assert numbers(name, text) == stated(name, problem)


@given(job_shops())
def test_job_shops(problem: ScheduleProblem) -> None:
    same("jsplib", problem)
    same("taillard", problem)
    same("fjs", problem)


@given(reentrant_shops())
def test_reentrant_shops(problem: ScheduleProblem) -> None:
    same("jsplib", problem)


@given(flexible_shops())
def test_flexible_shops(problem: ScheduleProblem) -> None:
    same("fjs", problem)


@given(projects(multi=False))
def test_single_mode_projects(problem: ScheduleProblem) -> None:
    same("psplib", problem)
    if problem.resources:
        same("patterson", problem)


@given(projects(multi=True))
def test_multi_mode_projects(problem: ScheduleProblem) -> None:
    same("psplib", problem)


@given(schedule_problems())
def test_any_problem_is_written_or_refused(problem: ScheduleProblem) -> None:
    refusals = []
    for entry in formats.FORMATS:
        try:
            text = entry.write(problem)
        except UnsupportedError as error:
            refusals.append(f"{entry.family}: {error}")
            continue
        again = entry.read(text, "again")
        assert isinstance(again, ScheduleProblem)
        if entry.family == "any":
            assert again == problem
        else:
            assert entry.read(entry.write(again), "again") == again
            busy = sorted(m.duration for t in problem.tasks for m in t.modes if m.duration)
            assert sorted(m.duration for t in again.tasks for m in t.modes if m.duration) == busy
    for refusal in refusals:
        kind = refusal.partition(":")[0]
        assert refusal.startswith(f"{kind}: format ")
        assert " instead" in refusal or re.search(r"of kind \w+ only", refusal)


def test_lags_releases_and_deadlines_become_lags_between_starts() -> None:
    fields = {
        "resources": [{"type": "machine", "id": "M"}],
        "jobs": [
            {
                "id": "j",
                "release": 2,
                "tasks": [
                    {"id": "a", "modes": [{"duration": 3, "machine": "M"}]},
                    {"id": "b", "modes": [{"duration": 4}], "deadline": 20},
                ],
            }
        ],
        "precedences": [
            {"before": "a", "after": "b", "kind": "end-end", "min_lag": 5, "max_lag": 9},
            {"before": "a", "after": "b", "kind": "start-end", "min_lag": 6},
        ],
    }
    text = formats.by_name("progenmax").write(ScheduleProblem.model_validate(fields))
    assert text.splitlines() == [
        "2 1 0 0",
        "0 1 2 1 2 [2] [2]",
        "1 1 1 2 [4]",  # end-end 5 is 5 + 3 - 4 between starts, start-end 6 only 6 - 4
        "2 1 3 1 0 3 [-8] [-16] [4]",
        "3 1 0",
        "0 1 0 0",
        "1 1 3 1",
        "2 1 4 0",
        "3 1 0 0",
        "1",
    ]
    again = formats.by_name("progenmax").read(text, "x")
    assert isinstance(again, ScheduleProblem)
    assert again.jobs[0].tasks[0].deadline == 0


def test_tasks_out_of_order_are_numbered_in_topological_order() -> None:
    tasks = [{"id": name, "modes": [{"duration": n}]} for n, name in enumerate("abc", start=1)]
    links = [{"before": "c", "after": "a"}, {"before": "a", "after": "b"}]
    jobs = [{"id": "p", "tasks": tasks}]
    problem = ScheduleProblem.model_validate({"jobs": jobs, "precedences": links})
    again = formats.by_name("psplib").read(formats.by_name("psplib").write(problem), "x")
    assert isinstance(again, ScheduleProblem)
    assert [task.modes[0].duration for task in again.tasks] == [0, 3, 1, 2, 0]


CHAIN = {
    "id": "j",
    "chain": True,
    "tasks": [{"id": "t", "modes": [{"machine": "M", "duration": 1}]}],
}
REFUSED = [
    ("jsplib", {"jobs": [{**CHAIN, "release": 1}]}, "release dates"),
    ("jsplib", {"jobs": [{**CHAIN, "deadline": 9}]}, "deadlines"),
    ("jsplib", {"jobs": [{**CHAIN, "due": 9}]}, "due dates"),
    ("jsplib", {"jobs": [{**CHAIN, "weight": 2}]}, "weights"),
    ("jsplib", {"objective": "total_completion"}, "objectives other than makespan"),
    (
        "fjs",
        {"jobs": [{"id": "j", "tasks": [{"id": "t", "modes": [{"duration": 1}]}]}]},
        "without a",
    ),
    (
        "psplib",
        {
            "calendars": [{"id": "c", "breaks": [{"start": 1, "end": 2}]}],
            "resources": [{"type": "machine", "id": "M", "calendar": "c"}],
        },
        "calendars",
    ),
    (
        "psplib",
        {
            "resources": [
                {"type": "machine", "id": "M"},
                {
                    "type": "renewable",
                    "id": "R",
                    "capacity": 1,
                    "steps": [{"start": 1, "capacity": 2}],
                },
            ]
        },
        "capacity steps",
    ),
    (
        "psplib",
        {
            "jobs": [
                CHAIN,
                {**CHAIN, "id": "k", "due": 3, "tasks": [{"id": "u", "modes": [{"duration": 1}]}]},
            ]
        },
        "one project",
    ),
    ("psplib", {"jobs": [{**CHAIN, "release": 3}]}, "without a due date"),
    ("taillard", {"resources": [{"type": "machine", "id": m} for m in "MN"]}, "every machine once"),
]


@pytest.mark.parametrize(("name", "fields", "words"), REFUSED)
def test_writers_name_what_they_cannot_hold(
    name: str, fields: dict[str, object], words: str
) -> None:
    base = {"resources": [{"type": "machine", "id": "M"}], "jobs": [CHAIN]}
    problem = ScheduleProblem.model_validate({**base, **fields})
    with pytest.raises(UnsupportedError, match=f"format {name}.*{words}.*instead"):
        formats.by_name(name).write(problem)


def test_two_modes_on_one_machine_do_not_fit_fjs() -> None:
    problem = build("x", machines(1), flexible_jobs([[[(0, 1), (0, 2)]]]))
    with pytest.raises(UnsupportedError, match="two modes on one machine"):
        formats.by_name("fjs").write(problem)


@pytest.mark.shared
@pytest.mark.parametrize(
    ("name", "pattern"),
    [
        ("jsplib", "jsp/*.txt"),
        ("fjs", "fjsp/*.fjs"),
        ("psplib", "rcpsp/*/*.sm"),
        ("patterson", "rcpsp/*/*.rcp"),
        ("psplib", "mrcpsp/*/*.mm"),
        ("progenmax", "rcpsp_max/*/*.sch"),
    ],
)
def test_published_files(name: str, pattern: str, shared_data: Path) -> None:
    paths = sorted(shared_data.glob(pattern))
    assert paths
    for path in paths:
        problem = read(path)
        assert isinstance(problem, ScheduleProblem)
        text = path.read_text()
        assert choosing.detect(text, "x.txt").name == name
        assert stated(name, problem) == numbers(name, text), path
        same_again = formats.by_name(name).read(formats.by_name(name).write(problem), str(path))
        assert same_again == problem, path


def test_reading_refuses_what_the_model_refuses() -> None:
    with pytest.raises(InputError, match=r"x\.jsp"):
        build("x.jsp", [], [])
