"""Scenarios: what they print, what they want, and that their generators keep their word."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import scheduling as sch
from scheduling.cli import main
from scheduling.errors import InputError
from scheduling.instances.schedule.constraint_mix import constraint_mix
from scheduling.models.base import Status
from scheduling.scenarios import glass, jssp_cp_rl, r_constraint, smtt
from scheduling.scenarios.registry import SCENARIOS, scenario
from scheduling.scenarios.scenario import DATA_VARIABLE, Row, Run, data_folder
from scheduling.solvers.schedule.dispatch_rules import RULES
from tests.solving import limit_by_work

Call = Callable[..., tuple[int, str, str]]


@pytest.fixture
def call(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Call:
    """Call ``scheduling reproduce`` and return exit code and output."""

    def run(*arguments: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["scheduling", "reproduce", *map(str, arguments)])
        capsys.readouterr()
        with pytest.raises(SystemExit) as stop:
            main()
        texts = capsys.readouterr()
        return int(stop.value.code or 0), texts.out, texts.err

    return run


def test_every_scenario_loads_under_its_name() -> None:
    for name in SCENARIOS:
        entry = scenario(name)
        assert entry.name == name
        assert entry.command == f"scheduling reproduce {name}"
        assert entry.system
        assert entry.wants


def test_unknown_scenarios_list_the_known_ones(call: Call) -> None:
    code, _, text = call("smt")
    assert code == 2
    assert "found 'smt', expected one of: smtt" in text
    assert "did you mean 'smtt'?" in text
    code, _, text = call("smtt", "--time-limit", 0)
    assert code == 2
    assert "positive finite" in text


def test_missing_data_is_one_message_that_names_the_file(
    call: Call, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv(DATA_VARIABLE, str(tmp_path))
    code, out, text = call("smtt", "--json")
    assert code == 2
    assert json.loads(out)["records"] == []
    assert text.count("error:") == 1
    assert "smtt/instances.jsonl" in text
    with pytest.raises(
        InputError, match=r"SCHEDULING_DATA unset, expected the folder that holds x"
    ):
        Run(1.0).file("smtt", "x")


class Clock:
    """Stands still but where it is told to go on."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_time_is_divided_and_kept_to(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock()
    monkeypatch.setattr("scheduling.scenarios.scenario.clock", clock)
    limits = Run(10.0, started=0.0)
    begun = []
    for entry in limits.each([3.0, 1.0, 2.0, 1.0, 1.0]):
        begun.append(entry)
        clock.now += entry
    # 7 seconds are spent, and the 3 that are left are what the longest took.
    assert begun == [3.0, 1.0, 2.0, 1.0]
    assert limits.share(2).seconds == 1.5
    clock.now = 20.0
    assert limits.left == 0.0
    assert list(limits.each("ab")) == ["a"]


@pytest.mark.parametrize(
    ("seconds", "power", "sizes"),
    [(100.0, 1.0, [1, 8]), (100.0, 2.0, [1, 4]), (9.0, 1.0, [1, 3]), (1.5, 1.0, [1])],
)
def test_the_largest_size_that_fits_is_run(
    monkeypatch: pytest.MonkeyPatch, seconds: float, power: float, sizes: list[int]
) -> None:
    clock = Clock()
    monkeypatch.setattr("scheduling.scenarios.scenario.clock", clock)
    tried = []

    def attempt(size: int) -> int:
        tried.append(size)
        clock.now += 2.0 * size**power
        return size

    limits = Run(seconds, started=0.0)
    assert limits.largest([1, 2, 3, 4, 8], attempt, power=power) == sizes[-1]
    assert tried == sizes
    assert clock.now <= max(seconds, 2.0)


def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(DATA_VARIABLE, raising=False)
    monkeypatch.setattr(smtt, "_JOBS", 12)
    monkeypatch.setattr(smtt, "_RANGES", (0.2, 0.6))


def test_smtt_without_data_sets(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    small(monkeypatch)
    code, out, text = call("smtt", "--json", "--time-limit", 1e6)
    assert code == 0
    assert text == ""
    (record,) = json.loads(out)["records"]
    assert record["command"] == "scheduling reproduce smtt"
    rules = {row["method"]: row for row in record["rows"]}
    assert list(rules) == ["EDD", "EDDC", "MDD", "PSK", "MDDC", "tardiness"]
    assert rules["EDD"]["ratio"] == 1.0
    for name in ("EDDC", "MDD", "PSK", "MDDC"):
        assert 0 <= rules[name]["value"] < rules["EDD"]["value"]
        assert rules[name]["gap"] == 0.0
        assert "all 200" in rules[name]["published"]
    assert rules["tardiness"]["verdict"] == "16 of 16 proven optimal"


def test_table(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    small(monkeypatch)
    code, out, text = call("smtt")
    assert code == 0
    assert "published" in out
    assert "MDDC" in out
    assert "arXiv 2510.24013" in text


def test_r_constraint_answers_everything(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(r_constraint, "_LEVELS", (4, 12))
    monkeypatch.setattr(r_constraint, "_SEEDS", 1)
    monkeypatch.setattr(r_constraint, "_TASKS", 12)
    limit_by_work(monkeypatch, r_constraint, 1.0)
    rows: list[Row] = scenario("r-constraint").run(Run(1e6))
    assert [row.value for row in rows] == [1.0, 1.0, 1.0]
    assert rows[1].baseline_value is not None
    assert rows[2].verdict == "2 of 2 proven"


def test_glass_rules_are_valid_and_no_better_than_the_optimum(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(glass, "_JOBS", (3,))
    monkeypatch.setattr(glass, "_SEEDS", 2)
    rows: list[Row] = scenario("glass").run(Run(1e6))
    assert [row.method for row in rows] == [*glass.RULES, "auto"]
    assert rows[0].ratio == 1.0
    best = rows[-1]
    assert (best.gap, best.verdict) == (0.0, "2 of 2 proven optimal")
    for row in rows:
        assert row.value >= best.value
        assert row.gap == pytest.approx(1 - best.value / row.value, abs=0.01)


def test_glass_rules_choose_by_their_key() -> None:
    waiting = [glass.Transfer(0, 7, 3), glass.Transfer(1, 2, 5), glass.Transfer(2, 4, 1)]
    chosen = [min(waiting, key=rule).job for rule in glass.RULES.values()]
    assert chosen == [0, 2, 1]


def test_weighted_area() -> None:
    assert r_constraint.weighted_area({5: 1.0, 15: 0.5}) == pytest.approx(0.625)
    assert r_constraint.weighted_area({1: 0.0, 2: 0.0}) == 0.0


@pytest.mark.parametrize("seed", range(4))
def test_constraint_mix_has_a_schedule_or_none(seed: int) -> None:
    problem = constraint_mix(tasks=14, level=12, seed=seed)
    assert len(problem.precedences) == 12
    solution = sch.solve(problem, "cp-sat", time_limit=1e6)
    assert solution.status in (Status.OPTIMAL, Status.FEASIBLE)
    assert sch.check(problem, solution) == []
    broken = constraint_mix(tasks=14, level=12, infeasible=1, seed=seed)
    assert sch.solve(broken, "cp-sat", time_limit=1e6).status is Status.INFEASIBLE


def test_constraint_mix_has_every_kind_and_no_redundant_precedence() -> None:
    problem = constraint_mix(tasks=20, level=25, downtime=1.0, windows=1.0, seed=5)
    assert all(calendar.breaks for calendar in problem.calendars)
    assert all(task.deadline is not None for task in problem.tasks)
    assert sum(resource.id.startswith("apart") for resource in problem.resources) == 15
    pairs = {(link.before, link.after) for link in problem.precedences}
    assert len(pairs) == 25
    plain = constraint_mix(level=3, downtime=0.0, windows=0.0, disjunctions=0.0)
    assert not any(calendar.breaks for calendar in plain.calendars)
    assert [resource.id for resource in plain.resources] == ["R1", "R2"]
    with pytest.raises(InputError, match="level: found 500 precedences among 20 tasks"):
        constraint_mix(level=500)
    with pytest.raises(InputError, match="at least 4 when infeasible"):
        constraint_mix(tasks=3, level=0, infeasible=1)


def test_learned_rule_without_data_sets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jssp_cp_rl, "_GENERATED", (1,))
    # The rules are run whole however little time there is, such as where kernels are compiled.
    rows: list[Row] = scenario("jssp-cp-rl").run(Run(0.001))
    gaps, times, summary = rows
    assert gaps.measure == "mean gap to the best of a search of 0.2 s, %"
    assert gaps.baseline in RULES
    assert gaps.baseline_value is not None
    assert 0 <= gaps.value < gaps.baseline_value
    assert gaps.gap is not None
    assert all(name in gaps.verdict for name in RULES if name != gaps.baseline)
    assert times.baseline_value is not None
    assert summary.value == 1


@pytest.mark.shared
def test_learned_rule_on_a_published_set(monkeypatch: pytest.MonkeyPatch) -> None:
    folder = data_folder()
    if folder is None:
        pytest.skip("needs SCHEDULING_DATA")
    monkeypatch.setattr(jssp_cp_rl, "_SETS", {"orb": ("orb",)})
    monkeypatch.setattr(jssp_cp_rl, "_SEARCHED", 1)
    monkeypatch.setattr(jssp_cp_rl, "_SEARCH_SHARE", 1e-6)
    rows: list[Row] = scenario("jssp-cp-rl").run(Run(1e6, folder))
    assert rows[0].case.startswith("orb: ")
    assert rows[0].ratio is not None
    assert rows[0].ratio < 1
    searched = rows[2]
    assert searched.baseline == rows[0].method
    assert searched.baseline_value is not None
    assert searched.value <= searched.baseline_value
    assert rows[-1].verdict == "better on 1 of 1"
