"""Ctrl-C keeps the best plan so far, with the bound that it had."""

from __future__ import annotations

import signal
from collections.abc import Sequence
from typing import Any

import pytest

import scheduling as sch
from scheduling.planner import rivals, rounds
from scheduling.planner.explain import explain_plan
from scheduling.planner.front import plan_front
from scheduling.planner.replicas import Search
from scheduling.planner.stating import state
from scheduling.planner.verify import replay
from scheduling.solvers.board import Progress
from scheduling.solvers.watching import one_of_many
from tests.planner.fleets import fleet

SMALL = {"max_pp": 1, "token_budgets": [2048], "max_tp": 2}

pytestmark = pytest.mark.usefixtures("interruptible")


def press(*_: Any, **__: Any) -> None:
    signal.raise_signal(signal.SIGINT)


def interrupted_replay(monkeypatch: pytest.MonkeyPatch) -> None:
    """Press Ctrl-C when the search has ended and its plan is about to be replayed."""

    def pressed(*arguments: Any) -> Any:
        press()
        return replay(*arguments)

    monkeypatch.setattr(rounds, "replay", pressed)


def test_a_search_that_is_interrupted_leaves_its_plan_and_bound() -> None:
    pressed: list[Progress] = []

    def watch(progress: Progress) -> None:
        if progress.objective is not None and not pressed:
            pressed.append(progress)
            press()

    found = sch.plan(fleet(options=SMALL), time_limit=300, on_progress=watch)
    assert pressed
    assert found.interrupted
    assert found.record()["interrupted"] is True
    assert found.plan is not None
    assert found.solution.status in {"optimal", "feasible"}
    assert sch.check(found.problem, found.solution) == []
    assert found.replays == ()
    assert {(other.plan, other.status) for other in found.runner_ups} <= {(None, "unknown")}
    assert not found.worths.complete
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_between_searches_it_is_noted_as_well(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = sch.plan(fleet(options=SMALL), time_limit=300)
    assert not whole.interrupted
    interrupted_replay(monkeypatch)
    found = sch.plan(fleet(options=SMALL), time_limit=300)
    assert found.interrupted
    assert (found.plan, found.solution.bound) == (whole.plan, whole.solution.bound)
    assert found.solution.status == "optimal"
    assert found.replays == ()


def test_what_was_not_tried_before_it_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    known = Search.ways
    tried: list[object] = []

    def pressed(self: Search, *arguments: Any) -> Any:
        found = known(self, *arguments)
        if not tried:
            press()
        tried.append(found)
        return found

    monkeypatch.setattr(Search, "ways", pressed)
    pools = [{"name": name, "gpu": "h100-sxm", "nodes": 1} for name in ("here", "there")]
    found = sch.plan(fleet(options=SMALL, pools=pools, goals=["gpus"]), time_limit=300)
    assert len(tried) == 1
    assert (found.interrupted, found.complete) == (True, False)
    # One GPU is enough, and no kind of replica takes less.
    assert (found.solution.status, found.solution.bound) == ("optimal", 1)


def test_plans_that_are_parts_of_a_whole_end_it(monkeypatch: pytest.MonkeyPatch) -> None:
    interrupted_replay(monkeypatch)
    with pytest.raises(KeyboardInterrupt), one_of_many():
        sch.plan(fleet(options=SMALL), time_limit=300)


def test_a_second_one_is_raised(monkeypatch: pytest.MonkeyPatch) -> None:
    def twice(*_: Any) -> None:
        press()
        press()

    monkeypatch.setattr(rounds, "replay", twice)
    with pytest.raises(KeyboardInterrupt):
        sch.plan(fleet(options=SMALL), time_limit=300)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_searches_for_other_plans_elsewhere_end_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    def carried(function: Any, runs: Sequence[Any], *_: Any) -> list[Any]:
        assert runs
        press()
        raise AssertionError("goes on")

    monkeypatch.setattr(rivals, "carry_all", carried)
    found = sch.plan(fleet(options=SMALL), time_limit=300, jobs=2)
    assert found.interrupted
    assert found.replays[-1].kept
    assert [(other.plan, other.status) for other in found.runner_ups] == [(None, "unknown")]
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_fronts_and_explanations_keep_what_they_have(monkeypatch: pytest.MonkeyPatch) -> None:
    def pressed(*arguments: Any) -> Any:
        press()
        return state(*arguments)

    monkeypatch.setattr("scheduling.planner.front.planned", lambda *_: press())
    front = plan_front(fleet(options=SMALL), ("gpus", "goodput"), time_limit=300)
    assert front.points == ()
    monkeypatch.setattr("scheduling.planner.explain.state", pressed)
    late = explain_plan(fleet(options=SMALL, demand={"rate": 4000.0}), time_limit=300)
    assert not late.complete
